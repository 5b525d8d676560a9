import type { PoolingMode } from "../blocks/pooling.ts";
import type { Checkpoint } from "../load/checkpoint.ts";
import type { OpenedModel } from "../load/open-model.ts";
import type { EncoderModel } from "../models/index.ts";
import type { GgufFile } from "../weights/index.ts";
import type { DenseSettings, EmbeddingSettings } from "./embedding-settings.ts";
import { readPrompts } from "./read-sentence-transformers.ts";
import { seesBothWays } from "./sees-both-ways.ts";
import { noPrompts } from "./text-prompts.ts";

/** llama.cpp's `pooling_type`, by number. */
const GGUF_POOLING: readonly (PoolingMode | undefined)[] = [undefined, "mean", "cls", "lasttoken"];

/** Layers behind the pooling whose weights a conversion put among the model's: `dense.0`, `dense.1`, … */
const denseAmong = ({ weights }: Checkpoint, dims: number): DenseSettings[] => {
  const layers: DenseSettings[] = [];
  let inputDims = dims;
  for (;;) {
    const name = `dense.${layers.length}`;
    const outputDims = weights.get(`${name}.weight`)?.dim(0);
    if (outputDims === undefined) return layers;
    const hasBias = weights.has(`${name}.bias`);
    layers.push({ inputDims, outputDims, hasBias, activation: "identity", folder: undefined });
    inputDims = outputDims;
  }
};

const ggufPooling = ({ metadata }: GgufFile): PoolingMode | undefined => {
  const architecture = String(metadata.get("general.architecture"));
  return GGUF_POOLING[Number(metadata.get(`${architecture}.pooling_type`))];
};

const guessed = (mode: PoolingMode): string =>
  `The model's files do not say how its states become a vector (modules.json is missing): ${mode} pooling was taken, ` +
  "and vectors have length 1";

/**
 * How vectors are made where sentence-transformers wrote no files: as a GGUF file says, or in the usual way, with a warning.
 *
 * @param path - the model's folder or file
 */
export const defaultSettings = (
  { checkpoint, gguf }: OpenedModel<EncoderModel>,
  path: string,
): EmbeddingSettings => {
  const stated = gguf === undefined ? undefined : ggufPooling(gguf);
  // what models do most: a position that sees what is behind it stands for no more than others
  const mode = stated ?? (seesBothWays(checkpoint.config) ? "mean" : "lasttoken");
  return {
    pooling: [mode],
    poolsPrompt: true,
    dense: denseAmong(checkpoint, Number(checkpoint.config.hidden_size)),
    normalizes: true,
    maxLength: undefined,
    lowerCases: false,
    prompts: gguf === undefined ? readPrompts(path) : noPrompts,
    warnings: stated === undefined ? [guessed(mode)] : [],
  };
};
