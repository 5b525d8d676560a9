/** Reading the golden files that oracle/ writes. */

import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

const GOLDENS = fileURLToPath(new URL("../goldens/", import.meta.url));

/** One way of running a model: `tokens` `[B][L]` cut along L into `chunks`; `logits` is `[B, L, V]`. */
export interface GoldenRun {
  readonly name: string;
  readonly tokens: readonly (readonly number[])[];
  readonly chunks: readonly number[];
  /** With a KV cache; without one there is one chunk. */
  readonly cached: boolean;
  /** Tokens of each row before its first one; their logits are zeros. */
  readonly leftPadding?: readonly number[];
  /** Little-endian float32, base64. */
  readonly logits: string;
}

/** Tensors as a repository has them, and what mlx-lm's `sanitize` makes of them. A kind is `float32 2,3`. */
export interface GoldenCheckpoint {
  readonly layout: string;
  /** Of the tool that packed them. */
  readonly quantization_config?: Readonly<Record<string, unknown>>;
  readonly tensors: Readonly<Record<string, string>>;
  readonly sanitized: Readonly<Record<string, string>>;
  /** Over `name kind\n` and the bytes of every sanitized tensor, sorted by name. */
  readonly sha256: string;
}

/** A model under one configuration, with the logits Python mlx-lm gave. */
export interface GoldenCase {
  readonly name: string;
  readonly config: Readonly<Record<string, unknown>>;
  readonly seed: number;
  /** Centre of norm weights in the generator. */
  readonly normCenter: number;
  /** True when the checkpoint leaves `lm_head` out. */
  readonly tied: boolean;
  /** Over `name shape\n` and the bytes of every weight, sorted by name. */
  readonly weightsSha256: string;
  /** Whether logits are float32 whatever the dtype of the weights. */
  readonly float32Logits?: boolean;
  /** Python's parameters and their shapes, where ours are named or stacked otherwise. */
  readonly parameters?: Readonly<Record<string, readonly number[]>>;
  readonly runs: readonly GoldenRun[];
  /** A batch with padding; null where Python cannot, for the reason in `paddingProblem`. */
  readonly padded: GoldenRun | null;
  readonly paddingProblem?: string;
  readonly quantized: readonly {
    readonly bits: number;
    readonly groupSize: number;
    readonly runs: readonly GoldenRun[];
  }[];
  readonly checkpoints?: readonly GoldenCheckpoint[];
}

/** The parsed golden file at `path` below test/goldens. */
export function readGolden<T>(path: string): T {
  return JSON.parse(readFileSync(`${GOLDENS}${path}`, "utf8")) as T;
}

/** Every model golden: architecture and its cases. */
export function readModelGoldens(): { architecture: string; cases: readonly GoldenCase[] }[] {
  return readdirSync(`${GOLDENS}models`)
    .filter((file) => file.endsWith(".json"))
    .map((file) => ({
      architecture: file.slice(0, -".json".length),
      cases: readGolden<{ cases: GoldenCase[] }>(`models/${file}`).cases,
    }));
}

/** Bytes from base64, in a buffer of their own. */
export const decodeBytes = (base64: string): Uint8Array<ArrayBuffer> =>
  Uint8Array.from(Buffer.from(base64, "base64"));

/** Float32 values from base64. */
export const decodeFloats = (base64: string): Float32Array => new Float32Array(decodeBytes(base64).buffer);
