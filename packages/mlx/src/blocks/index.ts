/** `@abstractllm/mlx/blocks`: what model files are made of. */
export {
  type AttentionOptions,
  attention,
  mergeHeads,
  softCappedAttention,
  splitHeads,
} from "./attention.ts";
export {
  CausalLM,
  type CausalLMConfig,
  Decoder,
  type DecoderBlock,
  type DecoderConfig,
} from "./causal-lm.ts";
export {
  type Choice,
  normScores,
  type Routing,
  routeExperts,
  topExperts,
  weighAnswers,
} from "./experts.ts";
export { GatedCausalLM } from "./gated-causal-lm.ts";
export { GatedMLP } from "./gated-mlp.ts";
export { attentionMask, causalMask, type Mask, type MaskOptions } from "./mask.ts";
export { type Norm, offsetRmsNorm, rmsNorm } from "./norm.ts";
export { NormedAttention } from "./normed-attention.ts";
export { ParallelBlock } from "./parallel-block.ts";
export { type FeedForward, type Mixer, PreNormBlock } from "./pre-norm-block.ts";
export { createLayerRope, createRope, noRope, ntkAlphaRope, type RopeSettings } from "./rope.ts";
export {
  CorrectedGate,
  type CorrectedGateConfig,
  type ExpertGate,
  RoutedMoe,
  type RoutedMoeConfig,
} from "./routed-moe.ts";
export { SandwichBlock } from "./sandwich-block.ts";
export { ScaledDecoder } from "./scaled-decoder.ts";
export {
  headDim,
  SelfAttention,
  type SelfAttentionConfig,
  type SelfAttentionOptions,
} from "./self-attention.ts";
export { type SlidingConfig, SlidingDecoder, type SlidingWindow, slidingWindow } from "./sliding-decoder.ts";
export { SparseBlock } from "./sparse-block.ts";
export { isSparseLayer, SparseMoe, type SparseMoeConfig } from "./sparse-moe.ts";
export { SwitchGLU } from "./switch-glu.ts";
export { SwitchLinear } from "./switch-linear.ts";
export { TextModel } from "./text-model.ts";
