import { InvalidParameterError } from "../errors/index.ts";
import * as check from "./checks.ts";
import { describeValue } from "./describe-value.ts";
import { nearestName } from "./nearest-name.ts";
import { ownOptions } from "./own-options.ts";

/**
 * Checks the options of a function or method that has options of its own.
 *
 * @param provider - named in errors, where there is one
 * @returns the options, and nothing that was not given
 * @throws {InvalidParameterError} for an option that is unknown or has a bad value
 */
export function checkOwnOptions<T extends object>(
  options: T,
  table: Readonly<Record<string, check.Check>>,
  provider?: string,
): T {
  if (!check.record.accepts(options)) {
    const message = `Expected object for options but received ${describeValue(options)}`;
    throw new InvalidParameterError("options", undefined, message, { provider });
  }
  for (const [name, value] of Object.entries(options)) {
    const spec = Object.hasOwn(table, name) ? table[name] : undefined;
    if (spec === undefined) {
      const nearest = nearestName(name, Object.keys(table));
      const hint = nearest === undefined ? "" : `; did you mean "${nearest}"?`;
      throw new InvalidParameterError(name, undefined, `Unknown option "${name}"${hint}`, { provider });
    }
    if (value === undefined || spec.accepts(value)) continue;
    const message = `Expected ${spec.expected} for ${name} but received ${describeValue(value)}`;
    throw new InvalidParameterError(name, value, message, { provider });
  }
  return ownOptions(options);
}
