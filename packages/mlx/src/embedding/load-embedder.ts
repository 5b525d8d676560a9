import { makePlaceholders } from "../core/array.ts";
import * as mx from "../core/index.ts";
import { TokenizerError } from "../errors.ts";
import { fillModel } from "../load/assemble-model.ts";
import type { Checkpoint } from "../load/checkpoint.ts";
import { quantizeOption } from "../load/load-model.ts";
import { checkExists, isGgufPath, openModel } from "../load/open-model.ts";
import { mapSources } from "../load/open-safetensors.ts";
import { type BoundArchitecture, type EncoderModel, resolveEncoder } from "../models/index.ts";
import { Linear, type Quantization } from "../nn/index.ts";
import { resolveSafetensors, type TensorSource } from "../weights/index.ts";
import { defaultSettings } from "./default-settings.ts";
import { Embedder } from "./embedder.ts";
import type { DenseSettings, EmbeddingSettings } from "./embedding-settings.ts";
import { readSentenceTransformers } from "./read-sentence-transformers.ts";

/** Options of `loadEmbedder`. */
export interface LoadEmbedderOptions {
  /** Where the model computes. Default: the GPU where there is one. */
  device?: mx.Device;
  /** Quantize a dense checkpoint while loading; `true` means 4 bits in groups of 64. Vectors change a little. Default false. */
  quantize?: boolean | Partial<Quantization>;
  /** Float32 everywhere, on GPUs too, and all its bits in quantized products on the CPU. Default false. */
  exact?: boolean;
}

/** An embedder in memory, with what its files say. */
export interface LoadedEmbedder {
  readonly embedder: Embedder;
  readonly config: Readonly<Record<string, unknown>>;
  readonly quantization: Quantization | undefined;
  readonly weightBytes: number;
  readonly warnings: readonly string[];
}

/** The weights of dense layers in folders of their own. */
const denseSources = (settings: EmbeddingSettings | undefined): TensorSource[][] =>
  (settings?.dense ?? []).map(({ folder }) => (folder === undefined ? [] : resolveSafetensors(folder)));

const addDenseWeights = ({ weights }: Checkpoint, dense: readonly (readonly TensorSource[])[]): void => {
  for (const [i, sources] of dense.entries()) {
    for (const [name, array] of mapSources(sources)) {
      weights.set(name.replace(/^linear\./, `dense.${i}.`), array);
    }
  }
};

/** The architecture with layers behind its pooling. */
const withDense = (
  architecture: BoundArchitecture<EncoderModel>,
  dense: readonly DenseSettings[],
): BoundArchitecture<EncoderModel> => {
  if (dense.length === 0) return architecture;
  const create = () => {
    const model = architecture.create();
    model.dense = makePlaceholders(() =>
      dense.map(({ inputDims, outputDims, hasBias }) => new Linear(inputDims, outputDims, hasBias)),
    );
    return model.keepParameters();
  };
  return { ...architecture, create };
};

const bytesOf = (sources: readonly TensorSource[]): number =>
  sources.reduce((sum, { byteLength }) => sum + byteLength, 0);

/**
 * Loads a model that makes vectors of texts onto this thread: a folder, as sentence-transformers or mlx-embeddings write it,
 * or a `.gguf` file.
 *
 * @throws {MlxError} `model-not-found`, `config`, `weights`, `tokenizer`, `unsupported-architecture`, and
 *   `unsupported-feature` for a model that makes vectors in a way that is not known
 * @example const { embedder } = await loadEmbedder("path/to/model");
 */
export const loadEmbedder = async (
  path: string,
  options: LoadEmbedderOptions = {},
): Promise<LoadedEmbedder> => {
  const { device = mx.defaultDevice(), exact = false } = options;
  mx.setDefaultDevice(device);
  const quantize = quantizeOption(options.quantize);
  checkExists(path);
  const stated = isGgufPath(path) ? undefined : readSentenceTransformers(path);
  const dense = denseSources(stated);
  const opened = await openModel(path, resolveEncoder, { tokenizer: true, repack: quantize !== undefined });
  const { architecture, checkpoint, tokenizer } = opened;
  if (tokenizer === undefined) throw new TokenizerError(`The model at ${path} has no tokenizer`);
  const settings = stated ?? defaultSettings(opened, path);
  const choose = () => {
    addDenseWeights(checkpoint, dense);
    return withDense(architecture, settings.dense);
  };
  const filled = fillModel(choose, checkpoint, { device, exact, quantize });
  return {
    embedder: new Embedder({ encoder: filled.model, tokenizer, settings, exact, device }),
    config: checkpoint.config,
    quantization: filled.quantization,
    weightBytes: checkpoint.weightBytes + bytesOf(dense.flat()),
    warnings: [...filled.warnings, ...settings.warnings],
  };
};
