/** Gemma 4 with vision and audio: text alone. @see mlx-lm 0.32.2 models/gemma4.py */
import { architecture as text } from "./gemma4_text.ts";
import { rename } from "./sanitize-rules.ts";
import { wrapText } from "./wrap-text.ts";

const others =
  /^(model\.)?(vision_tower|multi_modal_projector|audio_tower|embed_audio|embed_vision|vision_embedder)/;

export const architecture = wrapText(
  text,
  others,
  (text_config, { vocab_size = 262144 }) => ({
    num_attention_heads: 8,
    num_key_value_heads: 1,
    ...text_config,
    vocab_size,
  }),
  [rename(/^model\.language_model\./, "language_model.model."), rename(/^model\./, "")],
);
