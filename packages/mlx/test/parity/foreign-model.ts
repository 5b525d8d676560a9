/** Small models of which some layers are stored as other tools than mlx-lm store them. */

import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as mx from "../../src/core/index.ts";
import { loadModel } from "../../src/load/index.ts";
import { device } from "../device.ts";
import { writeSafetensors } from "../engine/write-safetensors.ts";
import { decodeBytes, decodeFloats } from "./golden.ts";
import { randomTensor } from "./random-weights.ts";
import type { StoredArray } from "./stored-array.ts";

/** One layer as a tool stores it, and the dense matrix `[N, K]` that the tool means. */
export interface ForeignLayer {
  readonly name: string;
  readonly config: Readonly<Record<string, unknown>>;
  readonly tensors: Readonly<Record<string, StoredArray>>;
  readonly shape: readonly [number, number];
  readonly dense: string;
}

const DTYPES: Readonly<Record<string, string>> = {
  int8: "I8",
  int32: "I32",
  int64: "I64",
  float16: "F16",
  uint8: "U8",
};

export type Tensors = Parameters<typeof writeSafetensors>[1];

/** Random weights by the shapes of layers. */
export const randomWeights = (shapes: Readonly<Record<string, readonly number[]>>): Tensors =>
  Object.fromEntries(
    Object.entries(shapes).map(([name, shape]) => [
      `${name}.weight`,
      { shape, data: randomTensor(1, name, shape) },
    ]),
  );

/** Logits of a model in a folder with these files. */
export const logitsOf = async (config: object, tensors: Tensors): Promise<Float32Array> => {
  const folder = mkdtempSync(join(tmpdir(), "foreign-"));
  writeSafetensors(join(folder, "model.safetensors"), tensors);
  writeFileSync(join(folder, "config.json"), JSON.stringify(config));
  const { model } = await loadModel(folder, { device, tokenizer: false, exact: true });
  const logits = mx.tidy(() => model.forward(mx.array([[3, 1, 4, 1, 5]], mx.int32)).toTypedArray());
  model.dispose();
  rmSync(folder, { recursive: true });
  return logits as Float32Array;
};

/** The arrays of a layer as stored, or its dense weight. */
export const tensorsOf = (layer: ForeignLayer, path: string, isStored: boolean): Tensors => {
  if (!isStored) return { [`${path}.weight`]: { shape: layer.shape, data: decodeFloats(layer.dense) } };
  return Object.fromEntries(
    Object.entries(layer.tensors).map(([part, { shape, data, dtype }]) => [
      `${path}.${part}`,
      { shape, data: decodeBytes(data), dtype: DTYPES[dtype] ?? "F32" },
    ]),
  );
};
