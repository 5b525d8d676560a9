/** Models of real shapes with random weights, in folders as the hub has them. */
import { closeSync, existsSync, mkdirSync, openSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import * as mx from "@abstractllm/mlx/core";
import { type WrittenTensor, writeSafetensors } from "@abstractllm/mlx/weights";
import { createTemplate, QUANTIZATION, type RandomParameters, randomParameters } from "../players/shapes.ts";
import { writeRandomTokenizer } from "./random-tokenizer.ts";

type Json = Readonly<Record<string, unknown>>;

export interface RandomModel {
  /** Of the folder. */
  name: string;
  config: Json & { readonly vocab_size: number };
  /** 4 bits in groups of 64, or all in bfloat16. */
  quantized: boolean;
}

/** Large enough that few are needed, small enough that every model has some. */
const SHARD_BYTES = 400e6;

const shards = (tensors: readonly WrittenTensor[]): WrittenTensor[][] => {
  const found: WrittenTensor[][] = [];
  let bytes = Number.POSITIVE_INFINITY;
  for (const tensor of tensors) {
    if (bytes + tensor.byteLength > SHARD_BYTES) {
      found.push([]);
      bytes = 0;
    }
    found.at(-1)?.push(tensor);
    bytes += tensor.byteLength;
  }
  return found;
};

const randomTensor = (
  name: string,
  { shape, dtype, size }: mx.MxArray,
  float: mx.Dtype,
  random: RandomParameters,
): WrittenTensor => {
  const isWords = dtype === mx.uint32;
  return {
    name,
    dtype: isWords ? "U32" : float === mx.bfloat16 ? "BF16" : "F16",
    shape,
    byteLength: size * (isWords ? 4 : 2),
    bytes: () => {
      const array = random.create(name, { shape, dtype });
      const bytes = mx.tidy(() => mx.view(array, mx.uint8).toTypedArray());
      array.dispose();
      return new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    },
  };
};

const writeWeights = async (folder: string, { config, quantized }: RandomModel): Promise<void> => {
  mx.setDefaultDevice("cpu");
  const template = await createTemplate(config, quantized);
  const float = quantized ? mx.float16 : mx.bfloat16;
  const random = randomParameters(float);
  const tensors = [...template.parameters()].map(([name, array]) => randomTensor(name, array, float, random));
  const weightMap: Record<string, string> = {};
  const all = shards(tensors);
  for (const [i, shard] of all.entries()) {
    const [number, count] = [i + 1, all.length].map((n) => String(n).padStart(5, "0"));
    const file = `model-${number}-of-${count}.safetensors`;
    for (const { name } of shard) weightMap[name] = file;
    const descriptor = openSync(join(folder, file), "w");
    writeSafetensors(descriptor, shard);
    closeSync(descriptor);
  }
  writeFileSync(join(folder, "model.safetensors.index.json"), JSON.stringify({ weight_map: weightMap }));
  random.dispose();
  template.dispose();
};

/** Writes the model into `parent` unless it is there. @returns its folder */
export const randomModelFolder = async (parent: string, model: RandomModel): Promise<string> => {
  const folder = join(parent, model.name);
  if (existsSync(folder)) return folder;
  const part = `${folder}.part`;
  rmSync(part, { recursive: true, force: true });
  mkdirSync(part, { recursive: true });
  const { groupSize, bits } = QUANTIZATION;
  const quantization = model.quantized ? { quantization: { group_size: groupSize, bits } } : {};
  writeFileSync(join(part, "config.json"), JSON.stringify({ ...model.config, ...quantization }));
  writeRandomTokenizer(part, model.config.vocab_size);
  await writeWeights(part, model);
  mkdirSync(dirname(folder), { recursive: true });
  renameSync(part, folder);
  return folder;
};
