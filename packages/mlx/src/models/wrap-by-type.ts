import { TextModel } from "../blocks/text-model.ts";
import { ConfigError } from "../errors.ts";
import type { Architecture } from "./architecture.ts";
import { parseConfig, record, string } from "./config.ts";
import { architecture as internlm2 } from "./internlm2.ts";
import { architecture as llama } from "./llama.ts";
import { architecture as ministral3 } from "./ministral3.ts";
import { architecture as mistral4 } from "./mistral4.ts";
import { architecture as phi3 } from "./phi3.ts";
import { architecture as qwen2 } from "./qwen2.ts";
import { architecture as qwen3 } from "./qwen3.ts";
import { sanitize } from "./sanitize.ts";
import { drop, rename, type SanitizeRule } from "./sanitize-rules.ts";

const schema = { text_config: record.required() };
const texts: ReadonlyMap<string, Architecture> = new Map<string, Architecture>([
  ["internlm2", internlm2],
  ["llama", llama],
  ["ministral3", ministral3],
  ["mistral", llama],
  ["mistral4", mistral4],
  ["phi3", phi3],
  ["qwen2", qwen2],
  ["qwen3", qwen3],
  ["vllama3", llama], // SmolVLM's first
]);

function languageModel(type: string): Architecture {
  const found = texts.get(type.toLowerCase());
  if (found !== undefined) return found;
  const known = [...texts.keys()].join(", ");
  throw new ConfigError(
    `config.json: expected one of ${known} for text_config.model_type but received ${type}`,
  );
}

const unwrap = [
  drop<unknown>(/vision_tower|multi_modal_projector/),
  rename(/^model\.language_model\./, "model."),
  rename(/^language_model\./, ""),
];
const wrap = [rename(/^/, "language_model.")];

/**
 * The architecture of a multimodal model whose language model is one of several, by the `model_type` in its
 * `text_config`: text alone. Mistral by default.
 *
 * @param defaults - of the language model's config
 * @param rules - that put its weights under `language_model.`, in layouts of its own
 * @throws {ConfigError} when a config is bound whose language model is of another type
 */
export const wrapByType = (
  defaults: Readonly<Record<string, unknown>> = {},
  rules: readonly SanitizeRule<unknown>[] = [],
): Architecture => ({
  bind: (raw) => {
    const { text_config } = parseConfig(schema, raw).config;
    const { model_type } = parseConfig({ model_type: string.default("mistral") }, text_config).config;
    const text = languageModel(model_type).bind({ tie_word_embeddings: false, ...defaults, ...text_config });
    return {
      unknownKeys: text.unknownKeys,
      create: () => new TextModel(text.create()),
      sanitize: (weights) =>
        sanitize(text.sanitize(sanitize(weights, [...rules, ...unwrap], raw)), wrap, raw),
    };
  },
});
