import type * as check from "../config/checks.ts";
import { describeValue } from "../config/describe-value.ts";
import { nearestName } from "../config/nearest-name.ts";
import { InvalidParameterError } from "../errors/index.ts";

/**
 * Checks the options of a method that has options of its own.
 *
 * @throws {InvalidParameterError} for an option that is unknown or has a bad value
 */
export function checkOwnOptions(
  options: object,
  table: Readonly<Record<string, check.Check>>,
  provider: string,
): void {
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
}
