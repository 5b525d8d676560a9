/** Qwen 3 with vision: text alone. @see mlx-lm 0.32.2 models/qwen3_vl.py */
import { architecture as text } from "./qwen3.ts";
import { wrapQwen } from "./wrap-qwen.ts";

export const architecture = wrapQwen(text);
