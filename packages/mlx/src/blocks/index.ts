/** `@abstractllm/mlx/blocks`: what model files are made of. */

export { AbsorbedAttention } from "./absorbed-attention.ts";
export { AltUp, type AltUpConfig } from "./alt-up.ts";
export {
  type AttentionOptions,
  attention,
  type CachedAttentionOptions,
  cachedAttention,
  mergeHeads,
  softCappedAttention,
  splitFusedHeads,
  splitGroupedHeads,
  splitHeads,
} from "./attention.ts";
export { Backbone, BackboneLM, MixerBlock } from "./backbone-lm.ts";
export { CausalConv1d, hidePadding } from "./causal-conv.ts";
export {
  CausalLM,
  type CausalLMConfig,
  Decoder,
  type DecoderConfig,
  HeadedLM,
  TransformerLM,
} from "./causal-lm.ts";
export { attendToChosen, type Choosable, windowRows } from "./chosen-rows.ts";
export { CorrectedMoe, type CorrectedMoeConfig } from "./corrected-moe.ts";
export { ExpandedAttention } from "./expanded-attention.ts";
export { type Choice, normScores, type Routing, routeExperts, topExperts, weighAnswers } from "./experts.ts";
export { fakeFp8, fakeMxfp4, fakeNvfp4 } from "./fake-quantize.ts";
export { FeedForwardBlock } from "./feed-forward-block.ts";
export { FinalNormDecoder } from "./final-norm-decoder.ts";
export { FusedGatedMLP } from "./fused-gated-mlp.ts";
export { GatedAttention, type GatedAttentionConfig } from "./gated-attention.ts";
export { GatedCausalLM } from "./gated-causal-lm.ts";
export { type GatedDeltaInputs, gatedDelta, logDecayOf, normQueryAndKey } from "./gated-delta.ts";
export { type DeltaInputs, GatedDeltaNet, type GatedDeltaNetConfig } from "./gated-delta-net.ts";
export { GatedMLP } from "./gated-mlp.ts";
export { GptBlock, GptDecoder, type GptDecoderConfig, GptMLP, type GptMLPOptions } from "./gpt-decoder.ts";
export { GroupRMSNorm } from "./group-rms-norm.ts";
export { HybridDecoder, hybridCaches, hybridMasks, type Recurrence } from "./hybrid-decoder.ts";
export {
  collapseStreams,
  expandStreams,
  HyperConnection,
  type HyperConnectionConfig,
  type Mixing,
} from "./hyper-connection.ts";
export { InnerText } from "./inner-text.ts";
export {
  cutInTwo,
  LatentAttention,
  type LatentAttentionConfig,
  type LatentAttentionOptions,
  type Latents,
  latentRope,
  latentScale,
} from "./latent-attention.ts";
export { Laurel } from "./laurel.ts";
export { LearnedPositionsDecoder } from "./learned-positions.ts";
export { LimitedMoe, type LimitedMoeConfig } from "./limited-moe.ts";
export { LinearHybridBlock, type LinearHybridOptions } from "./linear-hybrid-block.ts";
export { LowRank } from "./low-rank.ts";
export { MambaMixer, type MambaSizes, type Selection } from "./mamba-mixer.ts";
export { type GateNorm, Mamba2Mixer, type Mamba2Sizes, NormOfGated } from "./mamba2-mixer.ts";
export { attentionMask, causalMask, chunkedMask, type Mask, type MaskOptions, visibleKeys } from "./mask.ts";
export { MatrixStack } from "./matrix-stack.ts";
export { MultiLinear } from "./multi-linear.ts";
export { type Norm, offsetRmsNorm, rmsNorm } from "./norm.ts";
export { NormedAttention } from "./normed-attention.ts";
export { NormedRouter } from "./normed-router.ts";
export { PairedDecoder } from "./paired-decoder.ts";
export { ParallelBlock } from "./parallel-block.ts";
export { type PositionScale, positionScale } from "./position-scale.ts";
export { positionsFrom } from "./positions.ts";
export { type FeedForward, type Mixer, PreNormBlock } from "./pre-norm-block.ts";
export {
  type Remembered,
  RememberingAttention,
  type RememberingAttentionConfig,
  type RememberingAttentionOptions,
} from "./remembering-attention.ts";
export {
  createLayerRope,
  createRope,
  noRope,
  ntkAlphaRope,
  type RopeSettings,
  reversedRope,
} from "./rope.ts";
export { yarnWavelengths } from "./rope-wavelengths.ts";
export {
  CorrectedGate,
  type CorrectedGateConfig,
  type ExpertGate,
  RoutedMoe,
  type RoutedMoeConfig,
} from "./routed-moe.ts";
export { type CompressionConfig, Compressor, Indexer, type IndexerConfig } from "./row-compression.ts";
export { SandwichBlock } from "./sandwich-block.ts";
export { ScaledDecoder } from "./scaled-decoder.ts";
export { ScaledResidualBlock } from "./scaled-residual-block.ts";
export { segmentSums } from "./segment-sums.ts";
export {
  headDim,
  SelfAttention,
  type SelfAttentionConfig,
  type SelfAttentionOptions,
} from "./self-attention.ts";
export { SharedMoe, type SharedMoeConfig } from "./shared-moe.ts";
export {
  type SlidingConfig,
  SlidingDecoder,
  type SlidingWindow,
  slidingCaches,
  slidingMasks,
  slidingWindow,
} from "./sliding-decoder.ts";
export { SparseBlock } from "./sparse-block.ts";
export { isSparseLayer, SparseMoe, type SparseMoeConfig } from "./sparse-moe.ts";
export { type StateSpaceInputs, stateSpace, timeSteps } from "./state-space.ts";
export { askExperts, SwitchGLU } from "./switch-glu.ts";
export { SwitchLinear } from "./switch-linear.ts";
export { SwitchMLP } from "./switch-mlp.ts";
export { TailRope, type Turning } from "./tail-rope.ts";
export { TextModel } from "./text-model.ts";
export { ThinnedMLP } from "./thinned-mlp.ts";
export { TokDecoder } from "./tok-decoder.ts";
export { PositionedBlock, WordDecoder } from "./word-decoder.ts";
