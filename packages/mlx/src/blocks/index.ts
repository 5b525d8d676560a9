/** `@abstractllm/mlx/blocks`: what model files are made of. */
export {
  type AttentionOptions,
  attention,
  mergeHeads,
  softCappedAttention,
  splitHeads,
} from "./attention.ts";
export { CausalLM, Decoder, type DecoderBlock, type DecoderConfig } from "./causal-lm.ts";
export { GatedMLP } from "./gated-mlp.ts";
export { attentionMask, causalMask, type Mask, type MaskOptions } from "./mask.ts";
export { type FeedForward, type Mixer, PreNormBlock } from "./pre-norm-block.ts";
export { createRope, noRope, type RopeSettings } from "./rope.ts";
