import { TextModel } from "../blocks/text-model.ts";
import type { MxArray } from "../core/index.ts";
import type { Architecture } from "./architecture.ts";
import { parseConfig, record } from "./config.ts";
import { sanitize } from "./sanitize.ts";
import { drop, rename, type SanitizeRule } from "./sanitize-rules.ts";

const PREFIX = "language_model.";

/** A config as it was read. */
export type Raw = Readonly<Record<string, unknown>>;

/**
 * The architecture of a multimodal model, of which this is the language model: text alone.
 *
 * @param text - of the language model
 * @param others - weights of the other parts
 * @param toText - the config of the language model from the two; its own by default
 * @param renames - rules that put the language model under `language_model`
 */
export const wrapText = (
  text: Architecture,
  others: RegExp,
  toText: (textConfig: Raw, raw: Raw) => Raw = (textConfig) => textConfig,
  renames: readonly SanitizeRule<unknown>[] = [],
): Architecture => ({
  bind: (raw) => {
    const { text_config } = parseConfig({ text_config: record.required() }, raw).config;
    const inner = text.bind(toText(text_config, raw));
    return {
      unknownKeys: inner.unknownKeys,
      create: () => new TextModel(inner.create()),
      sanitize: (weights) => {
        const kept = sanitize(weights, [drop(others), ...renames], raw);
        const [own, outside] = [new Map<string, MxArray>(), new Map<string, MxArray>()];
        for (const [key, value] of kept) {
          if (key.startsWith(PREFIX)) own.set(key.slice(PREFIX.length), value);
          else outside.set(key, value);
        }
        const named = [...inner.sanitize(own)].map(([key, value]): [string, MxArray] => [
          PREFIX + key,
          value,
        ]);
        return new Map([...named, ...outside]);
      },
    };
  },
});

const wrap = [rename(/^/, PREFIX)];

/**
 * The architecture of a multimodal model, or of a model of text alone, whose config then is its own.
 *
 * @param text - of the language model
 * @param unwrap - makes weights those of the language model alone
 */
export const wrapOptionalText = (
  text: Architecture,
  unwrap: readonly SanitizeRule<unknown>[],
): Architecture => ({
  bind: (raw) => {
    const { text_config = raw } = parseConfig({ text_config: record.optional() }, raw).config;
    const inner = text.bind(text_config);
    return {
      unknownKeys: inner.unknownKeys,
      create: () => new TextModel(inner.create()),
      sanitize: (weights) => sanitize(inner.sanitize(sanitize(weights, unwrap, raw)), wrap, raw),
    };
  },
});
