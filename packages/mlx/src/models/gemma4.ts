/** Gemma 4 with vision and audio, of which this is the language model: text alone. @see mlx-lm 0.32.2 models/gemma4.py */
import { TextModel } from "../blocks/text-model.ts";
import type { Architecture } from "./architecture.ts";
import { int, parseConfig, record } from "./config.ts";
import { architecture as text } from "./gemma4_text.ts";
import { drop, rename, sanitize } from "./sanitize.ts";

const schema = { text_config: record.default({}), vocab_size: int.default(262144) };

const rules = [
  drop<unknown>(
    /^(model\.)?(vision_tower|multi_modal_projector|audio_tower|embed_audio|embed_vision|vision_embedder)/,
  ),
  rename(/^model\.language_model\./, "language_model.model."),
  rename(/^model\./, ""),
];

export const architecture: Architecture = {
  bind: (raw) => {
    const { text_config, vocab_size } = parseConfig(schema, raw).config;
    const heads = { num_attention_heads: 8, num_key_value_heads: 1 };
    const language = text.bind({ ...heads, ...text_config, vocab_size });
    return {
      unknownKeys: language.unknownKeys,
      create: () => new TextModel(language.create()),
      sanitize: (weights) => language.sanitize(sanitize(weights, rules, raw)),
    };
  },
};
