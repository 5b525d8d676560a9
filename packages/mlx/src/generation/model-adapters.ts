import { InvalidArgumentError } from "../errors.ts";
import type { Adapter } from "../load/adapters/index.ts";

/** The adapters of one model, of which requests choose one by name. */
export class ModelAdapters {
  readonly #named: ReadonlyMap<string, Adapter>;

  constructor(named: ReadonlyMap<string, Adapter>) {
    this.#named = named;
  }

  get names(): string[] {
    return [...this.#named.keys()];
  }

  /** Lets the model compute with an adapter from now on; by itself without a name. */
  use(name: string | undefined): void {
    if (name === undefined) for (const adapter of this.#named.values()) adapter.remove();
    else this.#named.get(name)?.apply();
  }
}

/** Checks that a request's adapter is one of the model's; unset passes. @throws {InvalidArgumentError} */
export const checkAdapter = (name: string | undefined, adapters: ModelAdapters | undefined): void => {
  const names = adapters?.names ?? [];
  if (name === undefined || names.includes(name)) return;
  const there = names.length === 0 ? "has none" : `has ${names.join(", ")}`;
  throw new InvalidArgumentError(
    `There is no adapter ${JSON.stringify(String(name).slice(0, 40))}; the model ${there}`,
  );
};
