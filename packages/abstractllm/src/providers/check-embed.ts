import { checkOwnOptions } from "../config/check-own-options.ts";
import * as check from "../config/checks.ts";
import { describeValue } from "../config/describe-value.ts";
import { InvalidParameterError } from "../errors/index.ts";
import type { EmbedOptions } from "../interface/embed.ts";

const OPTIONS: Readonly<Record<keyof EmbedOptions, check.Check>> = {
  model: check.nonEmptyString,
  dimensions: check.integer({ min: 1 }),
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
