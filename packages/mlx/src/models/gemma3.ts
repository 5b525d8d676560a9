/** Gemma 3 with vision, of which this is the language model: text alone. @see mlx-lm 0.32.2 models/gemma3.py */
import { int, parseConfig } from "./config.ts";
import { architecture as text } from "./gemma3_text.ts";
import { wrapText } from "./wrap-text.ts";

const schema = { vocab_size: int.default(262208) };
const heads = { num_attention_heads: 8, num_key_value_heads: 4 };

export const architecture = wrapText(text, /^(vision_tower|multi_modal_projector)\./, (textConfig, raw) => ({
  ...heads,
  ...textConfig,
  ...parseConfig(schema, raw).config,
}));
