/** What layers ask caches for, to write their rows or states there themselves. */
import {
  type CacheRoom,
  type LayerCache,
  type NoRoom,
  noRoom,
  type StateRoom,
  type StateShapes,
} from "../cache/index.ts";
import type { Dtype } from "../core/index.ts";
import {
  type AttentionParts,
  isDelta,
  isLatent,
  isMamba,
  isRecurrent,
  type LatentParts,
  type MixerParts,
  type RecurrentParts,
} from "./mixer-parts.ts";

/** New positions of a batch, and the type of what a layer reads. */
export interface NewRows {
  readonly B: number;
  readonly L: number;
  readonly dtype: Dtype;
}

/** What a block goes on in. */
export type Room = CacheRoom | StateRoom | NoRoom;

/** Asks the cache of a layer for room. */
export type RoomRequest = (cache: LayerCache, rows: NewRows) => Room | undefined;

const attentionRequest =
  ({ K, D, valueDim }: AttentionParts): RoomRequest =>
  (cache, { B, L, dtype }) =>
    cache.room?.({ B, L, K, D, valueDim, dtype });

/** Rows of latents are read as they are stored, and all of them: neither quantized nor in a window. */
const latentRequest =
  ({ isAbsorbed, H, D, valueDim, latentDim, turnedDim }: LatentParts): RoomRequest =>
  (cache, { B, L, dtype }) => {
    const sizes = isAbsorbed ? { K: 1, D: latentDim, valueDim: turnedDim } : { K: H, D, valueDim };
    const room = cache.room?.({ B, L, ...sizes, dtype });
    if (room?.window !== undefined || (isAbsorbed && room?.quantization !== undefined)) return undefined;
    return room;
  };

/** Of a state `[B, heads, values, features]`, where there is one. */
const stateShape = (parts: RecurrentParts, B: number): Pick<StateShapes, "state"> => {
  if (isMamba(parts)) return { state: [B, parts.heads, parts.headDim, parts.stateSize] };
  return isDelta(parts) ? { state: [B, parts.valueHeads, parts.valueDim, parts.keyDim] } : {};
};

const recurrentRequest = (parts: RecurrentParts): RoomRequest => {
  const [W = 1, C = 1] = parts.taps.shape;
  return ({ arrays }, { B, L }) => arrays.stateRoom?.({ past: [B, W - 1, C], ...stateShape(parts, B) }, L);
};

export const roomRequest = (mixer: MixerParts | undefined): RoomRequest => {
  if (mixer === undefined) return () => noRoom;
  if (isRecurrent(mixer)) return recurrentRequest(mixer);
  return isLatent(mixer) ? latentRequest(mixer) : attentionRequest(mixer);
};
