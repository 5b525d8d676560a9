import * as mx from "../core/index.ts";
import type { LoadEmbedderOptions } from "../embedding/index.ts";
import { TokenizerError } from "../errors.ts";
import { fillModel } from "../load/assemble-model.ts";
import { quantizeOption } from "../load/load-model.ts";
import { checkExists, isGgufPath, openModel } from "../load/open-model.ts";
import { isJudge, resolvePairScorer } from "../models/index.ts";
import type { Quantization } from "../nn/index.ts";
import { findAnswers } from "./judge-prompt.ts";
import { Reranker } from "./reranker.ts";
import { judgeSettings, readRerankerSettings } from "./reranker-settings.ts";

/** Options of `loadReranker`: those of `loadEmbedder`. */
export type LoadRerankerOptions = LoadEmbedderOptions;

/** A reranker in memory, with what its files say. */
export interface LoadedReranker {
  readonly reranker: Reranker;
  readonly config: Readonly<Record<string, unknown>>;
  readonly quantization: Quantization | undefined;
  readonly weightBytes: number;
  readonly warnings: readonly string[];
}

/**
 * Loads a model that scores pairs of texts onto this thread: the folder of a cross-encoder, or Qwen3-Reranker as a
 * folder or a `.gguf` file with its output layer.
 *
 * @throws {MlxError} `model-not-found`, `config`, `weights`, `tokenizer`, and `unsupported-feature` for a model that scores
 *   no pairs, or in a way that is not known
 * @example const { reranker } = await loadReranker("path/to/model");
 */
export const loadReranker = async (
  path: string,
  options: LoadRerankerOptions = {},
): Promise<LoadedReranker> => {
  const { device = mx.defaultDevice(), exact = false } = options;
  mx.setDefaultDevice(device);
  const quantize = quantizeOption(options.quantize);
  checkExists(path);
  const settings = isGgufPath(path) ? judgeSettings : readRerankerSettings(path);
  const { architecture, checkpoint, tokenizer } = await openModel(path, resolvePairScorer, {
    tokenizer: true,
    repack: quantize !== undefined,
  });
  if (tokenizer === undefined) throw new TokenizerError(`The model at ${path} has no tokenizer`);
  const answers = isJudge(checkpoint.config) ? findAnswers(tokenizer) : undefined;
  const filled = fillModel(() => architecture, checkpoint, { device, exact, quantize });
  return {
    reranker: new Reranker({ scorer: filled.model, tokenizer, settings, answers, exact, device }),
    config: checkpoint.config,
    quantization: filled.quantization,
    weightBytes: checkpoint.weightBytes,
    warnings: filled.warnings,
  };
};
