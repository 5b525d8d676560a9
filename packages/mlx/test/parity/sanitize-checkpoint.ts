/** Makes a golden's raw checkpoint and sums up what `sanitize` makes of it, as oracle/sanitize.py does. */

import { createHash } from "node:crypto";
import * as mx from "../../src/core/index.ts";
import { readQuantizationConfig } from "../../src/load/quantization-config.ts";
import type { GoldenCase, GoldenCheckpoint } from "./golden.ts";
import { randomIntegers, randomTensor } from "./random-weights.ts";

type Generated = Pick<GoldenCase, "seed" | "normCenter">;

const dtypes = [mx.float32, mx.bfloat16, mx.float16, mx.uint8, mx.uint32];

const makeTensor = ({ seed, normCenter }: Generated, name: string, kind: string): mx.MxArray => {
  const [dtypeName, sizes = ""] = kind.split(" ");
  const dtype = dtypes.find((d) => d.name === dtypeName);
  if (dtype === undefined) throw new Error(`${name} has the unknown dtype ${dtypeName}`);
  const shape = sizes.split(",").map(Number);
  if (!mx.isFloating(dtype))
    return mx.array(randomIntegers(seed, name, shape), mx.uint32, shape).astype(dtype);
  return mx.array(randomTensor(seed, name, shape, normCenter), mx.float32, shape).astype(dtype);
};

const kindOf = ({ dtype, shape }: mx.MxArray): string => `${dtype.name} ${shape.join(",")}`;

const sorted = <T>(entries: Iterable<[string, T]>): [string, T][] =>
  [...entries].sort(([a], [b]) => (a < b ? -1 : 1));

/** The tensors of a layout, by name, in MLX's layout where another tool packed them. */
export const makeCheckpoint = (
  golden: Generated,
  { tensors, quantization_config }: GoldenCheckpoint,
): Map<string, mx.MxArray> => {
  const stored = new Map(
    Object.entries(tensors).map(([name, kind]) => [name, makeTensor(golden, name, kind)]),
  );
  return readQuantizationConfig({ quantization_config }).convert?.(stored) ?? stored;
};

/** Dtype and shape of each tensor, sorted by name. */
export const kindsOf = (tensors: ReadonlyMap<string, mx.MxArray>): Record<string, string> =>
  Object.fromEntries(sorted(tensors).map(([name, tensor]) => [name, kindOf(tensor)]));

/** Over names, kinds and bytes. */
export const sanitizedSha256 = (tensors: ReadonlyMap<string, mx.MxArray>): string => {
  const digest = createHash("sha256");
  for (const [name, tensor] of sorted(tensors)) {
    const values = (tensor.dtype.size === 2 ? mx.view(tensor, mx.uint16) : tensor).toTypedArray();
    digest.update(`${name} ${kindOf(tensor)}\n`);
    digest.update(new Uint8Array(values.buffer, values.byteOffset, values.byteLength));
  }
  return digest.digest("hex");
};
