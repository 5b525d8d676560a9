/** Loading a model from disk. */
import * as mx from "../core/index.ts";
import type { ImageProcessor } from "../images/index.ts";
import { type LanguageModel, resolveLanguageModel } from "../models/index.ts";
import type { Quantization } from "../nn/index.ts";
import { eosTokenIds, type Tokenizer } from "../tokenizer/index.ts";
import { assembleModel } from "./assemble-model.ts";
import type { Checkpoint } from "./checkpoint.ts";
import { openImageProcessor } from "./open-image-processor.ts";
import { openModel } from "./open-model.ts";

/** Options of `loadModel`. */
export interface LoadModelOptions {
  /** Where the model computes. Default: the GPU where there is one. */
  device?: mx.Device;
  /**
   * Quantize a dense checkpoint while loading; `true` means 4 bits in groups of 64. Matrices of GGUF types that MLX has
   * not (Q2_K, Q3_K, Q6_K, IQ4) become 8 bits in groups of 32, close to lossless, instead of four times as large. Default false.
   */
  quantize?: boolean | Partial<Quantization>;
  /** Float32 everywhere, on GPUs too, and all its bits in quantized products on the CPU. Default false. */
  exact?: boolean;
  /** `false` skips the tokenizer: a folder with weights and config alone is enough. Default true. */
  tokenizer?: boolean;
}

/** A model in memory, with what its files say. */
export interface LoadedModel {
  readonly model: LanguageModel;
  /** Undefined only with `tokenizer: false`. */
  readonly tokenizer: Tokenizer | undefined;
  /** How its images are prepared; undefined for a model that sees none. */
  readonly imageProcessor: ImageProcessor | undefined;
  readonly config: Readonly<Record<string, unknown>>;
  readonly generationConfig: Readonly<Record<string, unknown>>;
  /** Tokens that end an answer. */
  readonly eosTokenIds: ReadonlySet<number>;
  readonly quantization: Quantization | undefined;
  readonly weightBytes: number;
  /** As `loadModel` was asked. */
  readonly exact: boolean;
  readonly warnings: readonly string[];
}

/** How a dense checkpoint is quantized; undefined where it is not. */
export const quantizeOption = (option: LoadModelOptions["quantize"]): Partial<Quantization> | undefined => {
  if (option === undefined || option === false) return undefined;
  return option === true ? {} : option;
};

/** Frees the model when its image processor cannot be made. */
const imageProcessorOf = (
  model: LanguageModel,
  path: string,
  { config }: Checkpoint,
  tokenizer: Tokenizer | undefined,
): ImageProcessor | undefined => {
  try {
    return openImageProcessor(model, path, config, tokenizer);
  } catch (error) {
    model.dispose();
    throw error;
  }
};

/**
 * Loads a model folder (safetensors) or a `.gguf` file onto this thread.
 *
 * @throws {MlxError} `model-not-found`, `config`, `weights`, `tokenizer`, `unsupported-architecture`
 * @example const { model, tokenizer } = await loadModel("path/to/model");
 */
export const loadModel = async (path: string, options: LoadModelOptions = {}): Promise<LoadedModel> => {
  const device = options.device ?? mx.defaultDevice();
  mx.setDefaultDevice(device);
  const quantize = quantizeOption(options.quantize);
  const exact = options.exact ?? false;
  const { architecture, checkpoint, tokenizer } = await openModel(path, resolveLanguageModel, {
    tokenizer: options.tokenizer ?? true,
    repack: quantize !== undefined,
  });
  const { model, quantization, warnings } = assembleModel(architecture, checkpoint, {
    device,
    exact,
    quantize,
  });
  return {
    model,
    tokenizer,
    imageProcessor: imageProcessorOf(model, path, checkpoint, tokenizer),
    config: checkpoint.config,
    generationConfig: checkpoint.generationConfig,
    eosTokenIds: eosTokenIds(
      checkpoint.config,
      checkpoint.generationConfig,
      tokenizer ?? { endTokenIds: [] },
    ),
    quantization,
    weightBytes: checkpoint.weightBytes,
    exact,
    warnings,
  };
};
