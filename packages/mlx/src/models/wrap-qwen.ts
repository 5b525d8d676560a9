import type { Architecture } from "./architecture.ts";
import { rename, type SanitizeRule } from "./sanitize-rules.ts";
import { type Raw, wrapText } from "./wrap-text.ts";

/** The settings of the other parts, where a config has them beside those of the language model. */
const OTHERS = /^(vision_|image_token|video_token)/;

/** Large ones say beside the language model's config whether its output layer is the embedding. */
const withTying = (textConfig: Raw, { tie_word_embeddings }: Raw): Raw => ({
  tie_word_embeddings,
  ...textConfig,
});

/**
 * Qwen with vision, of which this is the language model: text alone, in any layout that checkpoints came in.
 *
 * @param rules - for the weights of the language model, besides its own
 */
export const wrapQwen = (text: Architecture, rules: readonly SanitizeRule<unknown>[] = []): Architecture => {
  const wrapped = wrapText(text, /^(model\.)?(visual|vision_tower)\./, withTying, [
    rename(/^model\.language_model\./, "model."),
    rename(/^(?!language_model\.)/, "language_model."),
    ...rules,
  ]);
  return {
    bind: (raw) => {
      if (raw.text_config !== undefined) return wrapped.bind(raw);
      const text_config = Object.fromEntries(Object.entries(raw).filter(([key]) => !OTHERS.test(key)));
      return wrapped.bind({ ...raw, text_config });
    },
  };
};
