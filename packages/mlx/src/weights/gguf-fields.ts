import { basename } from "node:path";
import { ConfigError } from "../errors.ts";
import type { GgufFile } from "./read-gguf.ts";
import { quoteName } from "./weights-problem.ts";

/** Typed access to the metadata of one architecture: keys are given without the `llama.` in front. */
export class GgufFields {
  readonly #gguf: GgufFile;
  readonly architecture: string;

  constructor(gguf: GgufFile, architecture: string) {
    this.#gguf = gguf;
    this.architecture = architecture;
  }

  /** A positive whole number. */
  count(key: string): number {
    const value = this.optionalCount(key);
    return value ?? this.fail(key, "a positive whole number");
  }

  /** A positive whole number; undefined when the key is absent or 0. */
  optionalCount(key: string): number | undefined {
    const value = this.#get(key);
    if (value === undefined || value === 0) return undefined;
    const isCount = typeof value === "number" && Number.isSafeInteger(value) && value > 0;
    return isCount ? value : this.fail(key, "a positive whole number");
  }

  /** A finite number; float32 values come back as the decimal they were written as. */
  number(key: string): number | undefined {
    const value = this.#get(key);
    if (value === undefined) return undefined;
    return typeof value === "number" && Number.isFinite(value)
      ? shortestFloat(value)
      : this.fail(key, "a number");
  }

  /** A text. */
  text(key: string): string | undefined {
    const value = this.#get(key);
    if (value === undefined) return undefined;
    return typeof value === "string" ? value : this.fail(key, "a text");
  }

  /** Throws the `ConfigError` for a key that is missing or wrong. */
  fail(key: string, expected: string): never {
    const name = `${this.architecture}.${key}`;
    const value = this.#get(key);
    const received = value === undefined ? "it is missing" : `it is ${describe(value)}`;
    throw new ConfigError(
      `${basename(this.#gguf.path)}: metadata ${quoteName(name)} should be ${expected}, but ${received}`,
      {
        details: { path: this.#gguf.path, key: name },
      },
    );
  }

  /** Throws the `ConfigError` for a model that asks for what is not supported. */
  unsupported(what: string): never {
    throw new ConfigError(`${basename(this.#gguf.path)}: ${what}`, {
      details: { path: this.#gguf.path, architecture: this.architecture },
    });
  }

  #get(key: string): unknown {
    return this.#gguf.metadata.get(`${this.architecture}.${key}`);
  }
}

function describe(value: unknown): string {
  if (typeof value === "string") return quoteName(value);
  if (typeof value === "object" && value !== null) return "an array";
  return String(value);
}

/** The shortest decimal that is the same float32: 1e-5 for 0.000009999999747. */
function shortestFloat(value: number): number {
  if (Math.fround(value) !== value) return value;
  for (let digits = 1; digits <= 9; digits++) {
    const short = Number(value.toPrecision(digits));
    if (Math.fround(short) === value) return short;
  }
  return value;
}
