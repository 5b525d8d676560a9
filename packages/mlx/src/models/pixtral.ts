/** Mistral with vision, of which this is the language model: text alone. @see mlx-lm 0.32.2 models/pixtral.py */
import { TextModel } from "../blocks/text-model.ts";
import type { Architecture } from "./architecture.ts";
import { parseConfig, record } from "./config.ts";
import { architecture as llama } from "./llama.ts";
import { drop, sanitize } from "./sanitize.ts";

const schema = { text_config: record.required() };
const rules = [drop<unknown>(/^(vision_tower|multi_modal_projector)\./)];

export const architecture: Architecture = {
  bind: (raw) => {
    const { text_config } = parseConfig(schema, raw).config;
    const fixed = { num_attention_heads: 32, ...text_config, tie_word_embeddings: false };
    const { unknownKeys, create } = llama.bind(fixed);
    return {
      unknownKeys,
      create: () => new TextModel(create()),
      sanitize: (weights) => sanitize(weights, rules, raw),
    };
  },
};
