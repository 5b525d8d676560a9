import type { Architecture } from "./architecture.ts";
import { withRopeKeys } from "./config.ts";
import { rename } from "./sanitize-rules.ts";
import { QWEN_TOWER } from "./sanitize-tower.ts";
import { type Raw, wrapText } from "./wrap-text.ts";

/** What configs of the language model may leave out. */
interface GlmDefaults {
  readonly attention_bias: boolean;
  readonly partial_rotary_factor: number;
  readonly mrope_section: readonly number[];
}

const withDefaults = (
  raw: Raw,
  { attention_bias, partial_rotary_factor, mrope_section }: GlmDefaults,
): Raw => {
  const config = withRopeKeys(raw);
  return {
    head_dim: Math.floor(Number(config.hidden_size) / Number(config.num_attention_heads)),
    attention_bias,
    ...config,
    partial_rotary_factor: config.partial_rotary_factor ?? partial_rotary_factor,
    rope_theta: config.rope_theta ?? 10000,
    rope_scaling: config.rope_scaling ?? { mrope_section },
  };
};

/** GLM with vision, of which this is the language model: text alone, in any layout that checkpoints came in. */
export const wrapGlm = (text: Architecture, defaults: GlmDefaults): Architecture =>
  wrapText(text, QWEN_TOWER, (textConfig) => withDefaults(textConfig, defaults), [
    rename(/^model\.language_model\./, "language_model.model."),
    rename(/^lm_head\./, "language_model.lm_head."),
  ]);
