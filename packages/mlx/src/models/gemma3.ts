/** Gemma 3 with vision, of which this is the language model: text alone. @see mlx-lm 0.32.2 models/gemma3.py */
import { TextModel } from "../blocks/text-model.ts";
import type { Architecture } from "./architecture.ts";
import { int, parseConfig, record } from "./config.ts";
import { architecture as text } from "./gemma3_text.ts";
import { drop, sanitize } from "./sanitize.ts";

const schema = { text_config: record.required(), vocab_size: int.default(262208) };
const rules = [drop<unknown>(/^(vision_tower|multi_modal_projector)\./)];

export const architecture: Architecture = {
  bind: (raw) => {
    const { text_config, vocab_size } = parseConfig(schema, raw).config;
    const heads = { num_attention_heads: 8, num_key_value_heads: 4 };
    const { unknownKeys, create } = text.bind({ ...heads, ...text_config, vocab_size });
    return {
      unknownKeys,
      create: () => new TextModel(create()),
      sanitize: (weights) => sanitize(weights, rules, raw),
    };
  },
};
