import { checkOwnOptions } from "../config/check-own-options.ts";
import * as check from "../config/checks.ts";
import { describeValue } from "../config/describe-value.ts";
import { InvalidParameterError, UnsupportedFeatureError } from "../errors/index.ts";
import type { EmbedOptions } from "../interface/embed.ts";

const OPTIONS: Readonly<Record<keyof EmbedOptions, check.Check>> = {
  model: check.nonEmptyString,
  dimensions: check.integer({ min: 1 }),
  inputType: check.oneOf("query", "document"),
  instruction: check.nonEmptyString,
  truncate: check.boolean,
  signal: check.abortSignal,
  timeout: check.milliseconds,
};

/**
 * Checks what `embed` is given.
 *
 * @returns the texts as a list, and the options
 * @throws {InvalidParameterError} for an empty text or list, or an option that is unknown or has a bad value
 */
export function checkEmbed(
  texts: string | readonly string[],
  options: EmbedOptions,
  provider: string,
): { list: readonly string[]; own: EmbedOptions } {
  const list = typeof texts === "string" ? [texts] : texts;
  if (!check.stringList.accepts(list) || list.length === 0) {
    const message = `Expected non-empty string or array of them for texts but received ${describeValue(texts)}`;
    throw new InvalidParameterError("texts", texts, message, { provider });
  }
  return { list, own: checkOwnOptions(options, OPTIONS, provider) };
}

/** Options of `embed` that not every provider has a word for, and what the feature is called in errors. */
const FEATURES = {
  dimensions: "dimensions",
  inputType: "input_type",
  instruction: "instruction",
  truncate: "truncate",
} as const satisfies Partial<Record<keyof EmbedOptions, string>>;

/** One of those options. */
export type EmbedFeature = keyof typeof FEATURES;

/**
 * Refuses options of `embed` that a provider has no word for.
 *
 * @throws {UnsupportedFeatureError} for the first that was given
 */
export function refuseEmbedOptions(
  options: EmbedOptions,
  names: readonly EmbedFeature[],
  provider: string,
): void {
  const given = names.find((name) => options[name] !== undefined && options[name] !== false);
  if (given === undefined) return;
  const message = `The ${provider} provider has no ${given} for embeddings; leave it out`;
  throw new UnsupportedFeatureError(FEATURES[given], message, { provider });
}
