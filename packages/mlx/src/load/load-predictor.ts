import { withRoundedActivations } from "../core/cpu.ts";
import * as mx from "../core/index.ts";
import { MlxError } from "../errors.ts";
import {
  type BoundArchitecture,
  isPredictor,
  type Predictor,
  resolveOwnPredictor,
  resolvePredictor,
} from "../models/index.ts";
import { fillModel } from "./assemble-model.ts";
import { type LoadModelOptions, quantizeOption } from "./load-model.ts";
import { checkExists, isGgufPath, openModel } from "./open-model.ts";
import { readModelConfig } from "./open-safetensors.ts";

/** A predictor in memory, with what its files say. */
export interface LoadedPredictor {
  readonly predictor: Predictor;
  readonly config: Readonly<Record<string, unknown>>;
  readonly weightBytes: number;
  readonly warnings: readonly string[];
}

/** Options of `loadPredictor`. */
export type LoadPredictorOptions = Omit<LoadModelOptions, "tokenizer">;

/** Whether a folder holds a predictor instead of a model. @throws {MlxError} `model-not-found` or `config` */
export const holdsPredictor = (path: string): boolean => {
  checkExists(path);
  return !isGgufPath(path) && isPredictor(readModelConfig(path));
};

/** Lets the quantized products of all predictions round their activations. */
const roundActivations = (predictor: Predictor): void => {
  const predict = predictor.predict.bind(predictor);
  predictor.predict = (inputs) => withRoundedActivations(() => predict(inputs));
};

const load = async (
  path: string,
  resolve: (config: Readonly<Record<string, unknown>>) => Promise<BoundArchitecture<Predictor>>,
  options: LoadPredictorOptions,
): Promise<LoadedPredictor> => {
  const device = options.device ?? mx.defaultDevice();
  mx.setDefaultDevice(device);
  const exact = options.exact ?? false;
  const { architecture, checkpoint } = await openModel(path, resolve, { tokenizer: false, repack: false });
  const { model: predictor, warnings } = fillModel(() => architecture, checkpoint, {
    device,
    exact,
    quantize: quantizeOption(options.quantize),
  });
  if (device === "cpu" && !exact) roundActivations(predictor);
  const weightBytes = [...predictor.parameters().values()].reduce((sum, { nbytes }) => sum + nbytes, 0);
  return { predictor, config: checkpoint.config, weightBytes, warnings };
};

/**
 * Loads a predictor's own folder onto this thread.
 *
 * @throws {MlxError} `model-not-found`, `config`, `weights`
 */
export const loadPredictor = (path: string, options: LoadPredictorOptions = {}): Promise<LoadedPredictor> =>
  load(path, resolvePredictor, options);

/**
 * Loads the predictor among the weights of a model's folder onto this thread.
 *
 * @throws {MlxError} as {@link loadPredictor}; `unsupported-feature` for models without one, and where a conversion left it out
 */
export const loadOwnPredictor = (
  path: string,
  options: LoadPredictorOptions = {},
): Promise<LoadedPredictor> => {
  const refuse = (message: string): never => {
    throw new MlxError("unsupported-feature", message, { details: { feature: "draftModel" } });
  };
  if (isGgufPath(path)) refuse(`No predictor is read from GGUF files such as ${path}; take a draft model`);
  const resolve = async (
    config: Readonly<Record<string, unknown>>,
  ): Promise<BoundArchitecture<Predictor>> => {
    const architecture = await resolveOwnPredictor(config);
    return {
      ...architecture,
      sanitize: (weights) => {
        const own = architecture.sanitize(weights);
        if (own.size > 0) return own;
        return refuse(
          `The files at ${path} hold no layers that predict tokens: conversions leave them out. Take the original repository, or a draft model`,
        );
      },
    };
  };
  return load(path, resolve, options);
};
