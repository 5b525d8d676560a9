/** Kimi K2.5, of which this is the language model: text alone. @see mlx-lm 0.32.2 models/kimi_k25.py */
export { text as architecture } from "./kimi_vl.ts";
