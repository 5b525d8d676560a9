import { checkOwnOptions } from "../config/check-own-options.ts";
import * as check from "../config/checks.ts";
import { describeValue } from "../config/describe-value.ts";
import { InvalidParameterError, UnsupportedFeatureError } from "../errors/index.ts";
import type { RerankOptions } from "../interface/rerank.ts";

const OPTIONS: Readonly<Record<keyof RerankOptions, check.Check>> = {
  model: check.nonEmptyString,
  topN: check.integer({ min: 1 }),
  instruction: check.nonEmptyString,
  truncate: check.boolean,
  signal: check.abortSignal,
  timeout: check.milliseconds,
};

const refuse = (name: string, expected: string, value: unknown, provider: string): InvalidParameterError => {
  const message = `Expected ${expected} for ${name} but received ${describeValue(value)}`;
  return new InvalidParameterError(name, value, message, { provider });
};

/**
 * Checks what `rerank` is given.
 *
 * @returns the options
 * @throws {InvalidParameterError} for an empty query, document or list, or an option that is unknown or has a bad value
 */
export function checkRerank(
  query: string,
  documents: readonly string[],
  options: RerankOptions,
  provider: string,
): RerankOptions {
  if (!check.nonEmptyString.accepts(query)) throw refuse("query", "non-empty string", query, provider);
  if (!Array.isArray(documents) || !check.stringList.accepts(documents) || documents.length === 0)
    throw refuse("documents", "array of non-empty strings", documents, provider);
  return checkOwnOptions(options, OPTIONS, provider);
}

/** Options of `rerank` that not every provider has a word for. */
export type RerankFeature = "instruction" | "truncate";

/**
 * Refuses options of `rerank` that a provider has no word for.
 *
 * @throws {UnsupportedFeatureError} for the first that was given
 */
export function refuseRerankOptions(
  options: RerankOptions,
  names: readonly RerankFeature[],
  provider: string,
): void {
  const given = names.find((name) => options[name] !== undefined && options[name] !== false);
  if (given === undefined) return;
  const message = `The ${provider} provider has no ${given} for reranking; leave it out`;
  throw new UnsupportedFeatureError(given, message, { provider });
}
