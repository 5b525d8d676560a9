import type { MxArray } from "../core/index.ts";
import * as mx from "../core/index.ts";
import type { PositionEmbedding, RoPE } from "../nn/index.ts";

/** Rotary embedding of features that are multiplied before they turn. */
export class GrownRope implements PositionEmbedding {
  readonly rope: RoPE;
  readonly growth: number;

  constructor(rope: RoPE, growth: number) {
    this.rope = rope;
    this.growth = growth;
  }

  forward(x: MxArray, offset: number | MxArray): MxArray {
    const { rope, growth } = this;
    if (x.dim(-1) === rope.dims) return rope.forward(x.multiply(growth), offset);
    const [turned, rest] = mx.split(x, [rope.dims], -1);
    if (turned === undefined || rest === undefined) return x;
    return rope.forward(mx.concatenate([turned.multiply(growth), rest], -1), offset);
  }
}

/** The same embedding where nothing grows. */
export const grown = (rope: RoPE, growth: number): PositionEmbedding =>
  growth === 1 ? rope : new GrownRope(rope, growth);
