/** Mistral with vision, of which this is the language model: text alone. @see mlx-lm 0.32.2 models/mistral3.py */
import { wrapByType } from "./wrap-by-type.ts";

export const architecture = wrapByType();
