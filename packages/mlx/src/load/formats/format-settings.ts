import { ConfigError } from "../../errors.ts";
import { isObject } from "../is-object.ts";

type Raw = Readonly<Record<string, unknown>>;

/** The `quantization_config` of a foreign method, read key by key. */
export class FormatSettings {
  readonly method: string;
  readonly #raw: Raw;

  constructor(method: string, raw: Raw) {
    this.method = method;
    this.#raw = raw;
  }

  /** A value by its path, `a.b.c`; null counts as absent. */
  #find(path: string): unknown {
    const found = path
      .split(".")
      .reduce<unknown>(
        (value, key) => (isObject(value) && Object.hasOwn(value, key) ? value[key] : undefined),
        this.#raw,
      );
    return found ?? undefined;
  }

  #refuse(key: string, expected: string, value: unknown): never {
    const shown = (JSON.stringify(value) ?? "nothing").slice(0, 80);
    throw new ConfigError(
      `config.json: expected ${expected} for ${key} of the quantization method ${this.method} but received ${shown}`,
      { details: { key } },
    );
  }

  /** One of some values; words are compared without regard to case. @throws {ConfigError} for others */
  oneOf<const T extends string | number>(key: string, values: readonly T[], absent?: T): T {
    const value = this.#find(key) ?? absent;
    const same = (known: T) =>
      known === value || (typeof value === "string" && String(known).toLowerCase() === value.toLowerCase());
    return values.find(same) ?? this.#refuse(key, `one of ${values.join(", ")}`, value);
  }

  number(key: string, absent: number): number {
    const value = this.#find(key) ?? absent;
    return typeof value === "number" && Number.isInteger(value)
      ? value
      : this.#refuse(key, "a whole number", value);
  }

  /** A list of positive whole numbers, if there is one. */
  numbers(key: string): readonly number[] | undefined {
    const value = this.#find(key);
    if (value === undefined) return undefined;
    const isFine = Array.isArray(value) && value.every((x) => Number.isInteger(x) && x > 0);
    return isFine ? value : this.#refuse(key, "a list of whole numbers", value);
  }

  text(key: string): string | undefined {
    const value = this.#find(key);
    return typeof value === "string" ? value : undefined;
  }
}
