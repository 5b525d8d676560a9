import type { GenerateOptions } from "../interface/generate-options.ts";
import type { LLMConfig, LLMConfigInput } from "../interface/llm-config.ts";
import { checkOptions, requireOption } from "./check-options.ts";
import { OPTION_TABLE, type OptionName, type Options } from "./option-table.ts";
import { ownOptions } from "./own-options.ts";

/** What lies beneath the user's configuration. */
export interface ConfigurationLayers {
  /** The provider's own defaults, which everything else overrides. */
  defaults?: LLMConfig | undefined;
  /** What environment variables set; overrides the defaults. */
  environment?: LLMConfig | undefined;
  /** Named in messages. */
  provider?: string | undefined;
}

/** An option under its camelCase name, or in Python's snake_case. */
export type OptionKey = OptionName | (string & Record<never, never>);

/**
 * The settings of one LLM instance: defaults < environment < config < call.
 *
 * Everything is checked when it comes in. A call's options are merged into a fresh object and never kept. Keys and
 * tokens are readable by name and appear in no listing, `inspect` or JSON.
 */
export class ConfigurationManager {
  readonly #provider: string | undefined;
  #defaults: Options;
  readonly #environment: Options;
  #config: Options;

  /** @throws {InvalidParameterError} for an option that is unknown or has a bad value */
  constructor(config: LLMConfigInput = {}, layers: ConfigurationLayers = {}) {
    this.#provider = layers.provider;
    this.#defaults = this.#check(layers.defaults ?? {});
    this.#environment = this.#check(layers.environment ?? {});
    this.#config = this.#check(config);
  }

  /** The value of one option, or `fallback` where nothing sets it. */
  getParam<Name extends OptionName>(name: Name): Options[Name];
  getParam<Name extends OptionName>(
    name: Name,
    fallback: NonNullable<Options[Name]>,
  ): NonNullable<Options[Name]>;
  getParam(name: OptionKey, fallback?: unknown): unknown;
  getParam(key: OptionKey, fallback?: unknown): unknown {
    const name = requireOption(key, { scope: "config", provider: this.#provider });
    return this.#merged()[OPTION_TABLE[name].aliasOf ?? name] ?? fallback;
  }

  /**
   * Changes options from the next call on; `undefined` or `null` takes an option back to its default.
   *
   * @throws {InvalidParameterError} for an option that is unknown or has a bad value; nothing is changed then
   */
  updateConfig(updates: LLMConfigInput): void {
    const checked = this.#check(updates);
    const next: Options = { ...this.#config };
    for (const key of Object.keys(updates)) {
      const name = requireOption(key, { scope: "config", provider: this.#provider });
      delete next[OPTION_TABLE[name].aliasOf ?? name];
    }
    this.#config = { ...next, ...checked };
  }

  /** Adds defaults beneath the ones there are. */
  mergeWithDefaults(defaults: LLMConfigInput): void {
    this.#defaults = { ...this.#check(defaults), ...this.#defaults };
  }

  /** A copy of the settings. Credentials are there by name but not enumerable, so that no listing shows them. */
  getConfig(): Options {
    return hideSecrets(this.#merged());
  }

  /**
   * The settings of one call, in a fresh object, with what the call itself and what the user set anywhere beside it.
   *
   * @throws {InvalidParameterError} for an option that is unknown or has a bad value
   */
  resolveCall(options: GenerateOptions | Readonly<Record<string, unknown>> = {}): {
    merged: Options;
    call: Options;
    given: Options;
  } {
    const call = checkOptions(options, { scope: "call", provider: this.#provider });
    const given = ownOptions({ ...this.#environment, ...this.#config, ...call });
    const merged = ownOptions({ ...this.#defaults, ...given });
    return { merged: hideSecrets(merged), call, given: hideSecrets(given) };
  }

  #check(options: object): Options {
    return checkOptions(options, { scope: "config", provider: this.#provider });
  }

  #merged(): Options {
    return ownOptions({ ...this.#defaults, ...this.#environment, ...this.#config });
  }
}

function hideSecrets(options: Options): Options {
  for (const name of Object.keys(options) as OptionName[]) {
    if (!OPTION_TABLE[name].secret) continue;
    const value = options[name];
    Object.defineProperty(options, name, { get: () => value, enumerable: false });
  }
  return options;
}
