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
export { GatedMLP } from "./gated-mlp.ts";
export { attentionMask, causalMask, type Mask, type MaskOptions } from "./mask.ts";
export { type Norm, rmsNorm } from "./norm.ts";
export { type FeedForward, type Mixer, PreNormBlock } from "./pre-norm-block.ts";
export { createRope, noRope, type RopeSettings } from "./rope.ts";
export {
  headDim,
  SelfAttention,
  type SelfAttentionConfig,
  type SelfAttentionOptions,
} from "./self-attention.ts";
