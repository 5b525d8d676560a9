/** Qwen 3 with vision. @see mlx-lm 0.32.2 models/qwen3_vl.py, mlx-vlm 0.7.10 models/qwen3_vl */
import { architecture as text } from "./qwen3.ts";
import { seeAsQwen3 } from "./see-as-qwen3.ts";
import { wrapQwen } from "./wrap-qwen.ts";

export const architecture = seeAsQwen3(wrapQwen(text), 151655);
