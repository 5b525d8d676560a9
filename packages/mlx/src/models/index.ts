/** `@abstractllm/mlx/models`: architectures, and how to add one. */
export {
  type Architecture,
  type ArchitectureDefinition,
  type BoundArchitecture,
  defineArchitecture,
} from "./architecture.ts";
export * as field from "./config.ts";
export { type Field, type Infer, parseConfig, type Schema } from "./config.ts";
export { countParameters } from "./count-parameters.ts";
export { createModel } from "./create-model.ts";
export { EncoderModel } from "./encoder-model.ts";
export { resolveEncoder, resolveLanguageModel } from "./encoder-registry.ts";
export { type EncoderType, encoderTypes } from "./encoder-types.ts";
export { type ForwardOptions, LanguageModel, layerCache, type PromptEncoder } from "./language-model.ts";
export { type PairRows, PairScorer } from "./pair-scorer.ts";
export { isJudge, resolvePairScorer } from "./pair-scorer-registry.ts";
export { type Prediction, type PredictionInputs, Predictor } from "./predictor.ts";
export { isPredictor, resolveOwnPredictor, resolvePredictor } from "./predictor-registry.ts";
export { modelTypes, registerArchitecture, resolveArchitecture } from "./registry.ts";
export { sanitize } from "./sanitize.ts";
export {
  concatenateInto,
  deinterleave,
  derive,
  drop,
  map,
  rename,
  type SanitizeRule,
  splitInto,
  stackExperts,
  throughDense,
  whenPresent,
} from "./sanitize-rules.ts";
export { added, cast, multiplied, reshaped, type TensorChange, transposed, viewed } from "./tensor-change.ts";
export { type VisionDefinition, withVision } from "./with-vision.ts";
