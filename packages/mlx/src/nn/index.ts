/** `@abstractllm/mlx/nn`: layers with named parameters. */
export {
  clampedSwiglu,
  type GatedActivation,
  gated,
  geglu,
  gelu,
  geluApprox,
  geluQuick,
  gptOssSwiglu,
  logSoftmax,
  relu,
  relu2,
  silu,
  situ,
  softplus,
  swiglu,
  swigluOai,
} from "./activations.ts";
export { BatchNorm } from "./batch-norm.ts";
export { Conv1d, type Conv1dOptions } from "./conv1d.ts";
export { Conv2d, type Conv2dOptions } from "./conv2d.ts";
export { DerivedArray } from "./derived-array.ts";
export { Embedding } from "./embedding.ts";
export { Linear } from "./linear.ts";
export { MatrixLayer } from "./matrix-layer.ts";
export { Module } from "./module.ts";
export { BareRMSNorm, LayerNorm, type LayerNormOptions, OffsetRMSNorm, RMSNorm } from "./norms.ts";
export {
  NVFP4_LARGEST,
  type Quantization,
  type QuantizationMode,
  quantization,
  quantizeMatrix,
  scaledBy,
  storedQuantization,
  type WeightMatrix,
} from "./quantization.ts";
export { type QuantizePredicate, quantize } from "./quantize.ts";
export { affineMatrices, type QuantizedMatrices, quantizedMatrices } from "./quantized-matrices.ts";
export { type PositionEmbedding, RoPE, type RoPEOptions, turnPairs } from "./rope.ts";
export { type HeadProjections, rotatedHeads } from "./rotated-heads.ts";
export type { WeightUpdate } from "./weight-update.ts";
