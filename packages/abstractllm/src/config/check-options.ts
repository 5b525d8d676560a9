import { InvalidParameterError } from "../errors/index.ts";
import { record } from "./checks.ts";
import { describeValue } from "./describe-value.ts";
import { nearestName } from "./nearest-name.ts";
import { findOption, OPTION_TABLE, type OptionName, type OptionSpec, type Options } from "./option-table.ts";
import { ownOptions } from "./own-options.ts";

/** Who gave the options, for scope and messages. */
export interface OptionSource {
  readonly scope: "call" | "config";
  readonly provider?: string | undefined;
}

/**
 * Checks names and values of options, once, at the door; the result is a copy under canonical names.
 *
 * Keys may be camelCase or snake_case. `null` and `undefined` mean "not set".
 *
 * @throws {InvalidParameterError} for what is no object, an unknown name, a value that does not fit, an option in the wrong place, or one
 * option under two names
 */
export function checkOptions(given: object, source: OptionSource): Options {
  if (!record.accepts(given)) {
    const option = source.scope === "call" ? "options" : "config";
    const message = `Expected object for ${option} but received ${describeValue(given)}`;
    throw new InvalidParameterError(option, undefined, message, { provider: source.provider });
  }
  const checked: Partial<Record<OptionName, unknown>> = ownOptions({});
  const keys: Partial<Record<OptionName, string>> = {};
  for (const [key, value] of Object.entries(given)) {
    const name = requireOption(key, source);
    if (value === undefined || value === null) continue;
    const spec = OPTION_TABLE[name];
    checkScope(name, spec, source);
    checkValue(name, spec, value, source);
    const target = spec.aliasOf ?? name;
    if (Object.hasOwn(checked, target)) {
      const message = `Option "${target}" was given twice, as "${keys[target]}" and "${key}"; give it once`;
      throw new InvalidParameterError(target, undefined, message, { provider: source.provider });
    }
    keys[target] = key;
    checked[target] = target === "files" && !Array.isArray(value) ? [value] : value;
  }
  return checked as Options;
}

/**
 * The canonical name of an option.
 *
 * @throws {InvalidParameterError} naming the nearest valid option
 */
export function requireOption(key: string, source: OptionSource): OptionName {
  const name = findOption(key);
  if (name !== undefined) return name;
  const candidates = Object.entries(OPTION_TABLE).filter(
    ([, spec]) => spec.scope === "both" || spec.scope === source.scope,
  );
  const nearest = nearestName(
    key,
    candidates.map(([candidate]) => candidate),
  );
  const hint = nearest === undefined ? "" : `; did you mean "${nearest}"?`;
  throw new InvalidParameterError(key, undefined, `Unknown option "${key}"${hint}`, {
    provider: source.provider,
  });
}

function checkScope(name: OptionName, spec: OptionSpec, { scope, provider }: OptionSource): void {
  if (spec.scope === "both" || spec.scope === scope) return;
  const place =
    scope === "call"
      ? "belongs to createLLM or updateConfig, not to a call"
      : "belongs to a call, not to createLLM";
  throw new InvalidParameterError(name, undefined, `Option "${name}" ${place}`, { provider });
}

function checkValue(name: OptionName, spec: OptionSpec, value: unknown, { provider }: OptionSource): void {
  if (spec.check.accepts(value)) return;
  const received = spec.check.fault?.(value) ?? (spec.secret ? typeof value : describeValue(value));
  const message = `Expected ${spec.check.expected} for ${name} but received ${received}`;
  throw new InvalidParameterError(name, spec.secret ? undefined : value, message, { provider });
}
