import { basename } from "node:path";
import { ConfigError } from "../../errors.ts";
import {
  type ByteReader,
  failWeights,
  type GgufFile,
  type GgufTensor,
  quoteName,
  withFileReader,
} from "../../weights/index.ts";

/** Tensors that describe a model have at most this many numbers; head sizes stay below 1024 (CWE-770). */
const MAX_FLOATS = 4096;

/** Typed access to the metadata of one architecture, whose keys are given without the `llama.` in front, and tensors. */
export class GgufFields {
  readonly #gguf: GgufFile;
  readonly #tensors: ReadonlyMap<string, GgufTensor>;
  readonly #reader: ByteReader | undefined;
  readonly architecture: string;

  /** @param reader - the file's bytes when they are not at `gguf.path` */
  constructor(gguf: GgufFile, architecture: string, reader?: ByteReader) {
    this.#gguf = gguf;
    this.#reader = reader;
    this.#tensors = new Map(gguf.tensors.map((tensor) => [tensor.name, tensor]));
    this.architecture = architecture;
  }

  /** A positive whole number. */
  count(key: string): number {
    return this.optionalCount(key) ?? this.fail(key, "a positive whole number");
  }

  /** A positive whole number; undefined when the key is absent or 0. */
  optionalCount(key: string): number | undefined {
    const value = this.#get(key);
    if (value === undefined || value === 0) return undefined;
    return isCount(value) && value > 0 ? value : this.fail(key, "a positive whole number");
  }

  /** One whole number per layer, where the file has one for all as well. */
  counts(key: string): number[] {
    const value = this.#get(key);
    const layers = this.count("block_count");
    if (isCount(value)) return Array.from({ length: layers }, () => value);
    const list = listOf(value);
    return list?.length === layers && list.every(isCount)
      ? list
      : this.fail(key, `a whole number, or ${layers} of them`);
  }

  /** A finite number; float32 values come back as the decimal they were written as. */
  number(key: string): number | undefined {
    const value = this.#get(key);
    if (value === undefined) return undefined;
    return typeof value === "number" && Number.isFinite(value)
      ? shortestFloat(value)
      : this.fail(key, "a number");
  }

  /** A finite number that must be there. */
  required(key: string): number {
    return this.number(key) ?? this.fail(key, "a number");
  }

  /** One finite number per layer, under a key without an architecture in front. */
  layerNumbers(key: string): number[] {
    const list = listOf(this.#gguf.metadata.get(key));
    const layers = this.count("block_count");
    return list?.length === layers && list.every((item) => typeof item === "number" && Number.isFinite(item))
      ? (list as number[])
      : this.unsupported(`metadata ${quoteName(key)} should be ${layers} numbers`);
  }

  /** Numbers that may be infinite. */
  bounds(key: string): number[] | undefined {
    const value = this.#get(key);
    if (value === undefined) return undefined;
    const list = listOf(value);
    return list?.every((item) => typeof item === "number" && !Number.isNaN(item)) === true
      ? (list as number[])
      : this.fail(key, "a list of numbers");
  }

  /** True or false. */
  flag(key: string): boolean | undefined {
    const value = this.#get(key);
    if (value === undefined || typeof value === "boolean") return value;
    return this.fail(key, "true or false");
  }

  /** True or false per layer; a number n stands for every n-th being false. */
  flags(key: string): boolean[] | undefined {
    const value = this.#get(key);
    if (value === undefined) return undefined;
    const layers = this.count("block_count");
    if (isCount(value) && value > 0) return Array.from({ length: layers }, (_, i) => (i + 1) % value !== 0);
    const list = listOf(value);
    return list !== undefined &&
      list.length === layers &&
      list.every((item) => Number(item) === 0 || Number(item) === 1)
      ? list.map(Boolean)
      : this.fail(key, `true or false for each of ${layers} layers`);
  }

  /** A text. */
  text(key: string): string | undefined {
    const value = this.#get(key);
    if (value === undefined) return undefined;
    return typeof value === "string" ? value : this.fail(key, "a text");
  }

  /** The tensor of that name. */
  tensor(name: string): GgufTensor | undefined {
    return this.#tensors.get(name);
  }

  /** The numbers of a tensor that describes the model, all finite and above 0. */
  floats(name: string): number[] | undefined {
    const tensor = this.#tensors.get(name);
    if (tensor === undefined) return undefined;
    const [length] = tensor.shape;
    if (tensor.type !== "F32" || tensor.shape.length !== 1 || length === undefined || length > MAX_FLOATS) {
      return this.unsupported(`${name} should be a list of float32`);
    }
    const read = (from: ByteReader): Uint8Array =>
      Uint8Array.from(from.read(tensor.offset, tensor.byteLength));
    const bytes = this.#reader === undefined ? withFileReader(tensor.path, read) : read(this.#reader);
    return Array.from(new Float32Array(bytes.buffer), (value) =>
      Number.isFinite(value) && value > 0 ? value : this.unsupported(`${name} has the number ${value}`),
    );
  }

  /** The first tensor that a layer has under one of these names: `ffn_up_exps.weight`. */
  layerTensor(...stems: readonly string[]): GgufTensor | undefined {
    const suffixes = stems.map((stem) => `.${stem}`);
    return this.#gguf.tensors.find(
      ({ name }) => name.startsWith("blk.") && suffixes.some((suffix) => name.endsWith(suffix)),
    );
  }

  /** Whether some layer has a tensor of that name. */
  hasLayerTensor(stem: string): boolean {
    return this.layerTensor(stem) !== undefined;
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

  /** Throws the `WeightsError` for a tensor that must be there. */
  missing(tensor: string): never {
    return failWeights(this.#gguf.path, "missing", `has no tensor ${tensor}`);
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

const isCount = (value: unknown): value is number =>
  typeof value === "number" && Number.isSafeInteger(value) && value >= 0;

const listOf = (value: unknown): unknown[] | undefined => {
  if (Array.isArray(value)) return value;
  return ArrayBuffer.isView(value) ? Array.from(value as Float32Array) : undefined;
};

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
