/**
 * Blocks of libmlx's operations that one call puts together. While a GPU computes a step, the next one's graph is built: of
 * small models that takes longer than the step, and most of it is going back and forth between JavaScript and libmlx.
 */
import { KVCache } from "../cache/index.ts";
import { ComposedLayer, float32, type MxArray } from "../core/index.ts";
import { type BlockCall, type BlockParts, partsOf } from "./block-parts.ts";
import { HeldBlock } from "./held-block.ts";
import { layerParts } from "./layer-parts.ts";
import { type AttentionParts, isPlainAttention } from "./mixer-parts.ts";
import { type MlpParts, mlpParts } from "./mlp-parts.ts";

/** A block's layer, and what it was made from. */
interface Composition {
  readonly layer: ComposedLayer;
  readonly isWhole: boolean;
  readonly sizes: Readonly<Record<"K" | "D" | "valueDim", number>>;
  readonly held: HeldBlock;
}

const compositions = new WeakMap<BlockParts, Composition>();

/** Attention of the kind that is put together here. */
const attentionOf = (block: BlockParts): AttentionParts | undefined => {
  const mixer = partsOf(block);
  return mixer !== undefined && isPlainAttention(mixer) ? mixer : undefined;
};

const compose = (block: BlockParts, mlp: MlpParts | undefined): Composition | undefined => {
  const attention = attentionOf(block);
  if (attention === undefined) return undefined;
  const parts = layerParts(block, attention, mlp);
  if (parts === undefined || parts.experts !== undefined || (parts.updates?.length ?? 0) > 0)
    return undefined;
  if (parts.areInputsNormed === false || parts.isGateJoined === true || parts.rope.growth !== undefined)
    return undefined;
  if (parts.inputNorm !== undefined || parts.factor !== undefined) return undefined;
  if (parts.activation === "relu2") return undefined;
  if (parts.modes?.some((mode) => mode !== "affine")) return undefined;
  const { K, D, valueDim } = attention;
  return {
    layer: new ComposedLayer(parts),
    isWhole: parts.activation !== "",
    sizes: { K, D, valueDim },
    held: new HeldBlock(block, attention),
  };
};

const compositionOf = (block: BlockParts): Composition | undefined => {
  const known = compositions.get(block);
  if (known?.held.isStill(block) === true) return known;
  if (attentionOf(block)?.matrices[0]?.quantization?.mode !== "affine") return undefined; // asked at each step of dense models
  const mlp = mlpParts(block);
  const made = (mlp && compose(block, mlp)) ?? compose(block, undefined);
  if (made === undefined) compositions.delete(block);
  else compositions.set(block, made);
  return made;
};

/**
 * The next position of a block, or all of it but the MLP, whatever the device.
 *
 * @param x - `[B, 1, E]`
 * @returns undefined where the block is of other parts, or its cache or mask need more
 */
export const composedBlock = (
  x: MxArray,
  { block, mask, cache }: BlockCall,
): { h: MxArray; isWhole: boolean } | undefined => {
  if (mask !== undefined || !(cache instanceof KVCache)) return undefined;
  if (block.isSumInFloat32Alone === true && x.dtype !== float32) return undefined;
  const [B = 1, L = 1] = x.shape;
  const composition = L === 1 ? compositionOf(block) : undefined;
  if (composition === undefined) return undefined;
  const { layer, isWhole, sizes } = composition;
  const room = cache.room({ B, L, ...sizes, dtype: x.dtype });
  if (room?.take === undefined || room.after !== undefined) return undefined;
  const { h, keys, values } = layer.forward(x, room, room.turns[0] ?? 0);
  room.take(keys, values);
  return { h, isWhole };
};
