/** Models with random weights in folders, and what predicts their tokens. */
import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { MxArray } from "../../src/core/index.ts";
import * as mx from "../../src/core/index.ts";
import { resolveArchitecture, resolvePredictor } from "../../src/models/index.ts";
import type { Module } from "../../src/nn/index.ts";
import { randomTensor } from "../parity/random-weights.ts";
import { tokenizerWith } from "./tiny-llava.ts";
import { writeSafetensors } from "./write-safetensors.ts";

const V = 48;

const gemma4 = {
  model_type: "gemma4_text",
  hidden_size: 64,
  num_hidden_layers: 4,
  intermediate_size: 64,
  num_attention_heads: 4,
  num_key_value_heads: 2,
  vocab_size: V,
  head_dim: 16,
  global_head_dim: 32,
  vocab_size_per_layer_input: V,
  num_kv_shared_layers: 2,
  hidden_size_per_layer_input: 32,
  sliding_window: 8,
  sliding_window_pattern: 2,
  max_position_embeddings: 512,
};

const assistant = {
  model_type: "gemma4_assistant",
  backbone_hidden_size: gemma4.hidden_size,
  text_config: {
    ...gemma4,
    hidden_size: 32,
    num_hidden_layers: 2,
    num_kv_shared_layers: 2,
    hidden_size_per_layer_input: 0,
    layer_types: ["sliding_attention", "full_attention"],
  },
};

const qwen35 = {
  model_type: "qwen3_5",
  hidden_size: 64,
  num_hidden_layers: 4,
  intermediate_size: 64,
  num_attention_heads: 4,
  num_key_value_heads: 2,
  rms_norm_eps: 1e-5,
  vocab_size: V,
  head_dim: 16,
  linear_num_value_heads: 4,
  linear_num_key_heads: 2,
  linear_key_head_dim: 16,
  linear_value_head_dim: 16,
  linear_conv_kernel_dim: 4,
  mtp_num_hidden_layers: 1,
  max_position_embeddings: 512,
};

/** Random weights for the parameters of a module. */
const weightsOf = (
  module: Module,
  named: (name: string) => string = (name) => name,
): Map<string, MxArray> => {
  const weights = [...module.parameters()].map(([name, { shape, dtype }]): [string, MxArray] => [
    named(name),
    dtype === mx.int32
      ? mx.arange(0, shape[0] ?? 0)
      : mx.array(randomTensor(4, name, shape), mx.float32, shape),
  ]);
  module.dispose();
  return new Map(weights);
};

const writeFolder = (config: object, weights: ReadonlyMap<string, MxArray>, files: object = {}): string => {
  const folder = mkdtempSync(join(tmpdir(), "predicts-"));
  const all = { "config.json": config, ...files };
  for (const [name, content] of Object.entries(all))
    writeFileSync(join(folder, name), JSON.stringify(content));
  const tensors = [...weights].map(([name, array]) => [
    name,
    { shape: array.shape, data: array.toTypedArray(), dtype: array.dtype === mx.int32 ? "I32" : "F32" },
  ]);
  writeSafetensors(join(folder, "model.safetensors"), Object.fromEntries(tensors));
  return folder;
};

const words = { "tokenizer.json": tokenizerWith(["<user>", "<assistant>"]), "tokenizer_config.json": {} };

/** Writes a Gemma 4. */
export const writeGemma4 = async (): Promise<string> =>
  writeFolder(gemma4, weightsOf((await resolveArchitecture(gemma4)).create()), words);

/**
 * Writes what predicts tokens for it.
 *
 * @param changes - of its config
 */
export const writeAssistant = async (changes: Readonly<Record<string, unknown>> = {}): Promise<string> => {
  const config = { ...assistant, ...changes };
  return writeFolder(config, weightsOf((await resolvePredictor(config)).create()));
};

/** Writes a Qwen 3.5 as MLX has it. @param predicts - whether its layers that predict tokens are there */
export const writeQwen35 = async ({ predicts = true } = {}): Promise<string> => {
  const weights = weightsOf((await resolveArchitecture(qwen35)).create());
  const predictor = await resolvePredictor({ model_type: "qwen3_5_mtp", text_config: qwen35 });
  const own = predicts ? weightsOf(predictor.create(), (name) => `mtp.${name}`) : [];
  return writeFolder(qwen35, new Map([...weights, ...own]), words);
};
