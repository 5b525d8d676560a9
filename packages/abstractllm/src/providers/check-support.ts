import { OPTION_TABLE, type OptionName, type Options } from "../config/option-table.ts";
import { UnsupportedFeatureError } from "../errors/index.ts";

/** What an option asks for, where that has a name of its own. */
const FEATURES: Readonly<Partial<Record<OptionName, string>>> = {
  tools: "tool_use",
  toolChoice: "tool_use",
  maxSteps: "tool_use",
  approveToolCall: "tool_use",
  schema: "structured_output",
  maxSchemaRetries: "structured_output",
  imageDetail: "vision",
};

/**
 * Refuses options that a provider cannot honour. `false` and empty lists ask for nothing and pass.
 *
 * @throws {UnsupportedFeatureError} naming the first such option
 */
export function checkSupport(options: Options, supported: ReadonlySet<OptionName>, provider: string): void {
  for (const name of Object.keys(OPTION_TABLE) as OptionName[]) {
    const value = options[name]; // by name, since credentials are not enumerable
    if (supported.has(name) || asksForNothing(value)) continue;
    const message = `The ${provider} provider does not support the option "${name}"; leave it out or use another provider`;
    throw new UnsupportedFeatureError(FEATURES[name] ?? name, message, { provider });
  }
}

function asksForNothing(value: unknown): boolean {
  return value === undefined || value === false || (Array.isArray(value) && value.length === 0);
}
