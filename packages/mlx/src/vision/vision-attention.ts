import { attention, mergeHeads, splitHeads } from "../blocks/attention.ts";
import type { Mask } from "../blocks/mask.ts";
import type { MxArray } from "../core/index.ts";
import { Linear, Module } from "../nn/index.ts";

/** Attention of all patches to all patches, as CLIP's and SigLIP's towers name it. */
export class VisionAttention extends Module {
  q_proj: Linear;
  k_proj: Linear;
  v_proj: Linear;
  out_proj: Linear;
  readonly #H: number;

  constructor(dims: number, heads: number, bias = true) {
    super();
    this.q_proj = new Linear(dims, dims, bias);
    this.k_proj = new Linear(dims, dims, bias);
    this.v_proj = new Linear(dims, dims, bias);
    this.out_proj = new Linear(dims, dims, bias);
    this.#H = heads;
  }

  /** `[B, N, E] -> [B, N, E]` */
  forward(x: MxArray, mask?: Mask): MxArray {
    const [B = 1, N = 1, E = 1] = x.shape;
    const heads = (layer: Linear) => splitHeads(layer.forward(x), B, N, this.#H); // [B, H, N, D]
    const [q, k, v] = [heads(this.q_proj), heads(this.k_proj), heads(this.v_proj)];
    const scale = (E / this.#H) ** -0.5;
    return this.out_proj.forward(mergeHeads(attention(q, k, v, { scale, mask }), B, N));
  }
}
