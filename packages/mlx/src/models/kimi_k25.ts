/** Kimi K2.5, of which this is the language model, DeepSeek 3's: text alone. @see mlx-lm 0.32.2 models/kimi_k25.py */
import { architecture as text } from "./deepseek_v3.ts";
import { wrapText } from "./wrap-text.ts";

export const architecture = wrapText(
  text,
  /^(vision_tower|vision_model|multi_modal_projector|mm_projector)\./,
);
