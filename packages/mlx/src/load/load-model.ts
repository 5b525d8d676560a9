/** Loading a model from disk. */
import { statSync } from "node:fs";
import * as mx from "../core/index.ts";
import { MlxError } from "../errors.ts";
import type { LanguageModel } from "../models/index.ts";
import type { Quantization } from "../nn/index.ts";
import { eosTokenIds, loadTokenizer, type Tokenizer, tokenizerFromGguf } from "../tokenizer/index.ts";
import { readGguf } from "../weights/index.ts";
import { assembleModel } from "./assemble-model.ts";
import type { Checkpoint } from "./checkpoint.ts";
import { openGguf } from "./open-gguf.ts";
import { openSafetensors } from "./open-safetensors.ts";

export interface LoadModelOptions {
  /** Where the model computes. Default: the GPU where there is one. */
  device?: mx.Device;
  /** Quantize a dense checkpoint while loading; `true` means 4 bits in groups of 64. Default false. */
  quantize?: boolean | Partial<Quantization>;
  /** Float32 everywhere, on GPUs too. Default false. */
  exact?: boolean;
  /** `false` skips the tokenizer: a folder with weights and config alone is enough. Default true. */
  tokenizer?: boolean;
}

export interface LoadedModel {
  readonly model: LanguageModel;
  /** Undefined only with `tokenizer: false`. */
  readonly tokenizer: Tokenizer | undefined;
  readonly config: Readonly<Record<string, unknown>>;
  readonly generationConfig: Readonly<Record<string, unknown>>;
  /** Tokens that end an answer. */
  readonly eosTokenIds: ReadonlySet<number>;
  readonly quantization: Quantization | undefined;
  readonly weightBytes: number;
  readonly warnings: readonly string[];
}

const isGgufPath = (path: string): boolean => path.toLowerCase().endsWith(".gguf");

const checkExists = (path: string): void => {
  const info = statSync(path, { throwIfNoEntry: false });
  if (info === undefined)
    throw new MlxError("model-not-found", `There is no model at ${path}`, { details: { path } });
  if (info.isFile() && !isGgufPath(path)) {
    throw new MlxError(
      "model-not-found",
      `Expected a model folder or a .gguf file but received the file ${path}`,
    );
  }
};

const open = (
  path: string,
  withTokenizer: boolean,
): { checkpoint: Checkpoint; tokenizer: Tokenizer | undefined } => {
  if (!isGgufPath(path)) {
    const tokenizer = withTokenizer ? loadTokenizer(path) : undefined; // first: it fails faster than weights
    return { checkpoint: openSafetensors(path), tokenizer };
  }
  const gguf = readGguf(path);
  const tokenizer = withTokenizer ? tokenizerFromGguf(gguf.metadata) : undefined;
  return { checkpoint: openGguf(gguf), tokenizer };
};

const quantizeOption = (option: LoadModelOptions["quantize"]): Partial<Quantization> | undefined => {
  if (option === undefined || option === false) return undefined;
  return option === true ? {} : option;
};

/**
 * Loads a model folder (safetensors) or a `.gguf` file onto this thread.
 *
 * @throws {MlxError} `model-not-found`, `config`, `weights`, `tokenizer`, `unsupported-architecture`
 * @example const { model, tokenizer } = await loadModel("path/to/model");
 */
export const loadModel = async (path: string, options: LoadModelOptions = {}): Promise<LoadedModel> => {
  checkExists(path);
  const device = options.device ?? mx.defaultDevice();
  mx.setDefaultDevice(device);
  const { checkpoint, tokenizer } = open(path, options.tokenizer ?? true);
  const { model, quantization, warnings } = await assembleModel(checkpoint, {
    device,
    quantize: quantizeOption(options.quantize),
  });
  if (options.exact === true) model.castFloating(mx.float32);
  return {
    model,
    tokenizer,
    config: checkpoint.config,
    generationConfig: checkpoint.generationConfig,
    eosTokenIds: eosTokenIds(
      checkpoint.config,
      checkpoint.generationConfig,
      tokenizer ?? { endTokenIds: [] },
    ),
    quantization,
    weightBytes: checkpoint.weightBytes,
    warnings,
  };
};
