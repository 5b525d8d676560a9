/** Mistral with vision, of which this is the language model: text alone. @see mlx-lm 0.32.2 models/pixtral.py */
import { architecture as llama } from "./llama.ts";
import { wrapText } from "./wrap-text.ts";

export const architecture = wrapText(llama, /^(vision_tower|multi_modal_projector)\./, (text) => ({
  num_attention_heads: 32,
  ...text,
  tie_word_embeddings: false,
}));
