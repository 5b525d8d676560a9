import * as check from "../config/checks.ts";
import { describeValue } from "../config/describe-value.ts";
import { nearestName } from "../config/nearest-name.ts";
import { InvalidParameterError } from "../errors/index.ts";
import type { EmbedOptions } from "../interface/embed.ts";

const OPTIONS: Readonly<Record<keyof EmbedOptions, check.Check>> = {
  model: check.nonEmptyString,
  dimensions: check.integer({ min: 1 }),
  signal: check.abortSignal,
  timeout: check.integer({ min: 1, max: 2 ** 31 - 1 }), // timers overflow beyond
};

/**
 * Checks what `embed` is given.
 *
 * @returns the texts as a list
 * @throws {InvalidParameterError} for an empty text or list, or an option that is unknown or has a bad value
 */
export function checkEmbed(
  texts: string | readonly string[],
  options: EmbedOptions,
  provider: string,
): readonly string[] {
  const list = typeof texts === "string" ? [texts] : texts;
  if (!check.stringList.accepts(list) || list.length === 0) {
    const message = `Expected non-empty string or array of them for texts but received ${describeValue(texts)}`;
    throw new InvalidParameterError("texts", texts, message, { provider });
  }
  for (const [name, value] of Object.entries(options)) {
    const spec = Object.hasOwn(OPTIONS, name) ? OPTIONS[name as keyof EmbedOptions] : undefined;
    if (spec === undefined) {
      const nearest = nearestName(name, Object.keys(OPTIONS));
      const hint = nearest === undefined ? "" : `; did you mean "${nearest}"?`;
      throw new InvalidParameterError(name, undefined, `Unknown option "${name}"${hint}`, { provider });
    }
    if (value === undefined || spec.accepts(value)) continue;
    const message = `Expected ${spec.expected} for ${name} but received ${describeValue(value)}`;
    throw new InvalidParameterError(name, value, message, { provider });
  }
  return list;
}
