/** Blocks as the operations over several of their parts take them. */
import type { DecoderLayerParts, MxArray } from "../core/index.ts";
import { Linear, type PositionEmbedding, quantizedMatrices, type RMSNorm, RoPE } from "../nn/index.ts";
import type { BlockParts } from "./block-parts.ts";
import { type BranchNorms, mixerNorms } from "./branch-norms.ts";
import { GrownRope } from "./grown-rope.ts";
import {
  type AttentionParts,
  type DeltaParts,
  isDelta,
  isLatent,
  isMamba,
  isRecurrent,
  type LatentParts,
  type MambaParts,
  type MixerParts,
  type RecurrentParts,
} from "./mixer-parts.ts";
import type { MlpParts } from "./mlp-parts.ts";
import { isRmsNorm } from "./plain-norm.ts";
import { noRope } from "./rope.ts";

/** Rows added to queries, keys, values and the output: none, the first three or all. */
const addedRows = ({ matrices }: AttentionParts): MxArray[] | undefined => {
  const rows = matrices.flatMap(({ bias }) => bias ?? []);
  if (rows.length === 0 || (matrices.length === 4 && rows.length === 4)) return rows;
  const areFirst = matrices.length === 4 && rows.length === 3 && matrices[3]?.bias === undefined;
  return areFirst ? rows : undefined;
};

const NO_TURN = { dims: 0, traditional: false, base: undefined, scale: 1, freqs: undefined };

const turnOf = (rope: PositionEmbedding): DecoderLayerParts["rope"] | undefined => {
  if (rope === noRope) return NO_TURN;
  if (rope instanceof GrownRope) {
    const { dims, traditional, base, scale, freqs } = rope.rope;
    return { dims, traditional, base, scale, freqs, growth: rope.growth };
  }
  return rope instanceof RoPE ? rope : undefined;
};

/** What mixers of different kinds differ in. */
type MixerLayer = Pick<
  DecoderLayerParts,
  | "rows"
  | "H"
  | "K"
  | "scale"
  | "cap"
  | "isGated"
  | "keys"
  | "areValuesNormed"
  | "areHeadsNormedLast"
  | "queryGrowth"
  | "sinks"
  | "delta"
  | "mamba"
  | "conv"
  | "latent"
  | "rope"
>;

const attentionLayer = (attention: AttentionParts): MixerLayer | undefined => {
  const { H, K, scale, cap, isGated = false, keys = "own", areValuesNormed = false, sinks } = attention;
  const { areHeadsNormedLast = false, queryGrowth } = attention;
  const rope = turnOf(attention.rope);
  const rows = addedRows(attention);
  return (
    rope &&
    rows && {
      rows,
      H,
      K,
      scale,
      cap,
      isGated,
      keys,
      areValuesNormed,
      areHeadsNormedLast,
      queryGrowth,
      sinks,
      rope,
    }
  );
};

const latentLayer = (latent: LatentParts): MixerLayer | undefined => {
  const { matrices, norms, H, scale, queryGrowth, isAbsorbed } = latent;
  const [{ gain: norm, eps }, ofQueries] = norms;
  const rope = turnOf(latent.rope);
  const isBiased = matrices.some((matrix) => matrix instanceof Linear && matrix.bias !== undefined);
  if (rope === undefined || isBiased || (ofQueries?.eps ?? eps) !== eps) return undefined;
  const queryNorm = ofQueries?.gain;
  return { rows: [], H, K: 1, scale, rope, queryGrowth, latent: { norm, queryNorm, eps, isAbsorbed } };
};

/** Of what does not look back. */
const RECURRENT = { rows: [], scale: 1, rope: NO_TURN };

const deltaLayer = (parts: DeltaParts): MixerLayer => {
  const { taps, A_log, dt_bias, keyHeads: K, valueHeads: H, norms } = parts;
  return { ...RECURRENT, H, K, delta: { taps, A_log, dt_bias, norm: norms[0].gain } };
};

const mambaLayer = (parts: MambaParts): MixerLayer => {
  const { heads: H, groups: K } = parts;
  return { ...RECURRENT, H, K, mamba: parts };
};

const recurrentLayer = (parts: RecurrentParts): MixerLayer | undefined => {
  if (parts.matrices.some(({ bias }) => bias !== undefined)) return undefined;
  if (isMamba(parts)) return mambaLayer(parts);
  return isDelta(parts) ? deltaLayer(parts) : { ...RECURRENT, H: 1, K: 1, conv: { taps: parts.taps } };
};

/** Norms of rows that branches read, and of those they give. */
interface RowNorms {
  readonly before: readonly RMSNorm[];
  readonly after: readonly RMSNorm[];
}

/** Of all branches or of none; undefined where there are others, or no branch. */
const rowNorms = (branches: readonly (BranchNorms | undefined)[]): RowNorms | undefined => {
  const known = branches.filter((branch) => branch !== undefined);
  if (known.length === 0 || known.length < branches.length) return undefined;
  const before = known.flatMap((branch) => branch.before ?? []);
  const after = known.flatMap((branch) => branch.after ?? []);
  const areOfAll = [before, after].every(({ length }) => length === 0 || length === known.length);
  return areOfAll ? { before, after } : undefined;
};

const mixerLayer = (mixer: MixerParts | undefined): MixerLayer | undefined => {
  if (mixer === undefined) return { ...RECURRENT, H: 1, K: 1 };
  if (isRecurrent(mixer)) return recurrentLayer(mixer);
  return isLatent(mixer) ? latentLayer(mixer) : attentionLayer(mixer);
};

/** Norms of heads: those of other mixers are parts of these. */
const headNormsOf = (mixer: MixerParts | undefined): readonly RMSNorm[] =>
  mixer === undefined || isRecurrent(mixer) || isLatent(mixer) ? [] : mixer.norms;

/** Norms inside of a mixer with the eps of all others. */
const innerNormsOf = (mixer: MixerParts | undefined): readonly RMSNorm[] =>
  mixer === undefined || isLatent(mixer) ? [] : mixer.norms;

/**
 * @param mixer - none: without one
 * @param mlp - likewise
 */
export const layerParts = (
  block: BlockParts,
  mixer: MixerParts | undefined,
  mlp: MlpParts | undefined,
): DecoderLayerParts | undefined => {
  const norms = rowNorms([
    ...(mixer === undefined ? [] : [mixerNorms(block)]),
    ...(mlp === undefined ? [] : [mlp.norms]),
  ]);
  const layer = mixerLayer(mixer);
  if (norms === undefined || layer === undefined) return undefined;
  const input = mlp && block.layerInput;
  const own = input && [input.per_layer_input_gate, input.per_layer_projection];
  if (own?.some(({ bias }) => bias !== undefined)) return undefined;
  const matrices = quantizedMatrices([...(mixer?.matrices ?? []), ...(mlp?.layers ?? []), ...(own ?? [])]);
  const inputNorms = input === undefined ? [] : [input.post_per_layer_input_norm];
  const besideNorms =
    mlp && block.beside ? [block.beside.norm, block.beside.mlpNormAfter, block.beside.normAfter] : [];
  if (!besideNorms.every(isRmsNorm)) return undefined;
  const rows = [...norms.before, ...norms.after];
  const eps = rows[0]?.eps ?? 0;
  const haveOneEps = [...rows, ...besideNorms, ...innerNormsOf(mixer), ...inputNorms].every(
    (norm) => norm.eps === eps,
  );
  if (matrices === undefined || !haveOneEps) return undefined;
  const { arrays, bits, groupSizes, modes, updates } = matrices;
  return {
    ...layer,
    ...{ matrices: arrays, bits, groupSizes, modes, updates },
    norms: [...norms.before, ...headNormsOf(mixer)].map(({ gain }) => gain),
    areInputsNormed: norms.before.length > 0,
    normsAfter: norms.after.map(({ gain }) => gain),
    eps,
    residualScale: block.residualScale,
    activation: mlp?.activation ?? "",
    hasMixer: mixer !== undefined,
    isGateJoined: mlp?.isGateJoined,
    experts: mlp?.experts,
    inputNorm: input?.post_per_layer_input_norm.gain,
    factor: mlp && block.factor,
  };
};
