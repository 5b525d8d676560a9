/** What the towers of Qwen's models have in common, by the names of their checkpoints. */
import type { Norm } from "../blocks/norm.ts";
import { type MxArray, reshape } from "../core/index.ts";
import { gelu, Linear, Module } from "../nn/index.ts";
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

class Gelu extends Module {
  forward(x: MxArray): MxArray {
    return gelu(x);
  }
}

/** Squares of patches, normed and side by side, through two layers into tokens. */
export class GridMerger<N extends Norm> extends Module {
  ln_q: N;
  mlp: [Linear, Gelu, Linear];
  readonly #width: number;

  /** @param width - features of all patches of a token */
  constructor(ln_q: N, width: number, outputs: number) {
    super();
    this.ln_q = ln_q;
    this.mlp = [new Linear(width, width), new Gelu(), new Linear(width, outputs)];
    this.#width = width;
  }

  /** `[N, E] -> [N / merge ** 2, E']` */
  forward(x: MxArray): MxArray {
    const merged = reshape(this.ln_q.forward(x), [-1, this.#width]);
    return this.mlp.reduce((h, layer) => layer.forward(h), merged);
  }
}
