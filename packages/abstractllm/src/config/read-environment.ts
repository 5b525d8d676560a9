import { InvalidParameterError } from "../errors/index.ts";
import { checkOptions } from "./check-options.ts";
import { OPTION_TABLE, type OptionName, type Options } from "./option-table.ts";
import { parseOptionText } from "./parse-option-text.ts";

/** Which environment variables stand for which options; the first one that is set counts. */
export type EnvironmentBindings = Readonly<Partial<Record<OptionName, readonly string[]>>>;

/** The variables of this process; the one place where the package reads them. */
export function processEnvironment(): Readonly<Record<string, string | undefined>> {
  return process.env;
}

/**
 * Options that the environment sets. Empty variables count as not set.
 *
 * @throws {InvalidParameterError} naming the variable whose text does not fit
 */
export function readEnvironment(
  bindings: EnvironmentBindings,
  provider?: string,
  environment: Readonly<Record<string, string | undefined>> = processEnvironment(),
): Options {
  const found: Record<string, unknown> = {};
  for (const [name, variables] of Object.entries(bindings) as [OptionName, readonly string[]][]) {
    const variable = variables.find((candidate) => (environment[candidate] ?? "") !== "");
    if (variable === undefined) continue;
    const value = parseOptionText(OPTION_TABLE[name].check, environment[variable] ?? "");
    try {
      checkOptions({ [name]: value }, { scope: "config" });
    } catch (error) {
      if (!InvalidParameterError.isInstance(error)) throw error;
      const message = `${error.message} (from the environment variable ${variable})`;
      throw new InvalidParameterError(name, error.value, message, { provider });
    }
    found[name] = value;
  }
  return found as Options;
}
