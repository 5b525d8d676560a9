/** What the towers of Qwen's models have in common, by the names of their checkpoints. */
import type { Norm } from "../blocks/norm.ts";
import type { FeedForward } from "../blocks/pre-norm-block.ts";
import { add, type MxArray, reshape } from "../core/index.ts";
import { Linear, Module } from "../nn/index.ts";
import { GeluLayer } from "./gelu-layer.ts";
import type { GridAttention, Segments } from "./grid-attention.ts";
import { VolumeEmbedding } from "./volume-embedding.ts";

export interface PatchVolumesConfig {
  readonly in_channels: number;
  readonly hidden_size: number;
  readonly temporal_patch_size: number;
  readonly patch_size: number;
}

/** Patches to features, under `proj`. */
export class PatchVolumes extends Module {
  proj: VolumeEmbedding;

  constructor(c: PatchVolumesConfig, bias = false) {
    super();
    const { in_channels, hidden_size, temporal_patch_size, patch_size } = c;
    this.proj = new VolumeEmbedding(in_channels, hidden_size, temporal_patch_size, patch_size, bias);
  }

  /** `[N, C * T * P * P] -> [N, E]` */
  forward(patches: MxArray): MxArray {
    return this.proj.forward(patches);
  }
}

/** A block of attention within segments, and work on each patch alone. */
export class GridBlock extends Module {
  norm1: Norm;
  norm2: Norm;
  attn: GridAttention;
  mlp: FeedForward;

  constructor(attn: GridAttention, mlp: FeedForward, makeNorm: () => Norm) {
    super();
    this.norm1 = makeNorm();
    this.norm2 = makeNorm();
    this.attn = attn;
    this.mlp = mlp;
  }

  /** `[N, E] -> [N, E]` */
  forward(x: MxArray, angles: MxArray, segments: readonly Segments[]): MxArray {
    const h = add(x, this.attn.forward(this.norm1.forward(x), angles, segments));
    return add(h, this.mlp.forward(this.norm2.forward(h)));
  }
}

/** Squares of patches, normed and side by side, through two layers into tokens. */
export class GridMerger extends Module {
  ln_q: Norm;
  mlp: [Linear, GeluLayer, Linear];
  readonly #width: number;

  /** @param width - features of all patches of a token */
  constructor(ln_q: Norm, width: number, outputs: number) {
    super();
    this.ln_q = ln_q;
    this.mlp = [new Linear(width, width), new GeluLayer(), new Linear(width, outputs)];
    this.#width = width;
  }

  /** `[N, E] -> [N / merge ** 2, E']` */
  forward(x: MxArray): MxArray {
    const merged = reshape(this.ln_q.forward(x), [-1, this.#width]);
    return this.mlp.reduce((h, layer) => layer.forward(h), merged);
  }
}
