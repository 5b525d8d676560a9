/** Folders of models that make vectors, as goldens/embeddings.json describes them. */
import { mkdirSync, mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import type { EmbedRequest } from "@abstractllm/mlx";
import * as mx from "../../src/core/index.ts";
import { writeSafetensors } from "../engine/write-safetensors.ts";
import { readGolden } from "./golden.ts";
import { randomTensor } from "./random-weights.ts";

type Shapes = Readonly<Record<string, readonly number[]>>;

/** What one call gave in Python; `prompt` in its options is what an instruction makes of the model's. */
interface EmbeddingRun {
  readonly name: string;
  readonly options: Omit<EmbedRequest, "texts"> & { readonly prompt?: string };
  readonly dimensions: number;
  readonly vectors: string;
}

/** A model of sentence-transformers. */
export interface EmbeddingCase {
  readonly name: string;
  readonly seed: number;
  readonly normCenter: number;
  readonly files: Readonly<Record<string, unknown>>;
  readonly tensors: Shapes;
  /** By folder. */
  readonly dense: Readonly<Record<string, Shapes>>;
  readonly runs: readonly EmbeddingRun[];
}

/** What a folder is written from. */
export type FolderSource = Omit<EmbeddingCase, "runs">;

/** Texts and, for each model, their vectors. */
export const readEmbeddingGoldens = () =>
  readGolden<{ texts: readonly string[]; cases: readonly EmbeddingCase[] }>("embeddings.json");

/** How a folder differs from the one that Python read. */
export interface FolderChanges {
  /** Files to add or replace; undefined leaves one out. */
  readonly files?: Readonly<Record<string, unknown>>;
  /** The tensor's name in the file. Default: as in Python. */
  readonly rename?: (name: string) => string;
  /** Further tensors. */
  readonly extra?: Shapes;
  /** The name by which a tensor's values are generated. Default: its own in Python. */
  readonly streamOf?: (name: string) => string;
  /** Every matrix is stored quantized, as mlx-embeddings does. */
  readonly quantize?: Quantization;
}

interface Tensor {
  readonly shape: readonly number[];
  readonly data: ArrayBufferView;
  readonly dtype?: string;
}

interface Quantization {
  readonly bits: number;
  readonly groupSize: number;
}

/** What is stored of a tensor: a matrix that is quantized in parts, under the names that MLX has for them. */
const stored = (name: string, tensor: Tensor, quantize: Quantization | undefined): [string, Tensor][] => {
  if (quantize === undefined || tensor.shape.length < 2) return [[name, tensor]];
  const { bits, groupSize } = quantize;
  return mx.tidy(() => {
    const dense = mx.array(tensor.data as Float32Array, mx.float32, tensor.shape);
    const parts = mx.quantize(dense, groupSize, bits);
    return ["weight", "scales", "biases"].map((part, i): [string, Tensor] => {
      const array = parts[i] ?? dense;
      const dtype = array.dtype === mx.uint32 ? "U32" : "F32";
      return [name.replace(/weight$/, part), { shape: array.shape, data: array.toTypedArray(), dtype }];
    });
  });
};

const same = (name: string): string => name;

const tensorsOf = ({ seed, normCenter }: FolderSource, shapes: Shapes, streamOf = same) =>
  Object.entries(shapes).map(
    ([name, shape]) =>
      [name, { shape, data: randomTensor(seed, streamOf(name), shape, normCenter) }] as const,
  );

/** Writes a case's folder and gives its path. */
export function writeEmbeddingFolder(golden: FolderSource, changes: FolderChanges = {}): string {
  const { files = {}, rename = same, extra = {}, streamOf = same, quantize } = changes;
  const folder = mkdtempSync(join(tmpdir(), "embedder-"));
  const quantization = quantize && { bits: quantize.bits, group_size: quantize.groupSize };
  const config = { ...(golden.files["config.json"] as object), ...(quantization && { quantization }) };
  for (const [name, content] of Object.entries({ ...golden.files, "config.json": config, ...files })) {
    if (content === undefined) continue;
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), JSON.stringify(content));
  }
  const all = tensorsOf(golden, { ...golden.tensors, ...extra }, streamOf);
  const own = all.flatMap(([name, tensor]) => stored(rename(name), tensor, quantize));
  writeSafetensors(join(folder, "model.safetensors"), Object.fromEntries(own));
  for (const [name, shapes] of Object.entries(golden.dense)) {
    const tensors = tensorsOf(golden, shapes, (each) => `${name}/${each}`);
    const kept = tensors.flatMap(([each, tensor]) => stored(each, tensor, quantize));
    writeSafetensors(join(folder, name, "model.safetensors"), Object.fromEntries(kept));
  }
  return folder;
}
