/** Qwen 2 and 2.5 with vision: text alone. @see mlx-lm 0.32.2 models/qwen2_vl.py */
import { architecture as text } from "./qwen2.ts";
import { wrapQwen } from "./wrap-qwen.ts";

export const architecture = wrapQwen(text);
