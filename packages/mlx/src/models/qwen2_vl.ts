/** Qwen 2 with vision: text alone. @see mlx-lm 0.32.2 models/qwen2_vl.py */
import { architecture as qwen2 } from "./qwen2.ts";
import { wrapQwen } from "./wrap-qwen.ts";

/** The language model of Qwen 2 and 2.5 with vision. */
export const text = wrapQwen(qwen2);

export const architecture = text;
