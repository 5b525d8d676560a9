/** Gemma 4's vision tower: blocks of Gemma over patches of pictures of any size, then pooled. @see mlx-vlm 0.7.10 models/gemma4/vision.py */
import { attention, mergeHeads, splitHeads } from "../blocks/attention.ts";
import type { MxArray } from "../core/index.ts";
import * as mx from "../core/index.ts";
import { bool, type Infer, int, number, object, oneOf } from "../models/config.ts";
import { geluApprox, Linear, Module, RMSNorm, turnPairs } from "../nn/index.ts";
import { cutPatches } from "./patch-embedding.ts";
import { gridAngles, patchPositions } from "./patch-grid.ts";

/** Keys of `vision_config`. */
export const gemma4TowerConfig = {
  hidden_size: int.default(768),
  intermediate_size: int.default(3072),
  num_hidden_layers: int.default(16),
  num_attention_heads: int.default(12),
  num_key_value_heads: int.default(12),
  head_dim: int.default(64),
  rms_norm_eps: number.default(1e-6),
  rope_parameters: object({
    rope_theta: number.default(100),
    rope_type: oneOf("default").optional(),
  }).default({ rope_theta: 100, rope_type: "default" }),
  patch_size: int.default(16),
  /** Rows, and columns, of patches that have positions. */
  position_embedding_size: int.default(10240),
  /** Patches along a side that become one token. */
  pooling_kernel_size: int.default(3),
  /** Whether what enters and leaves its layers has bounds, which are weights. */
  use_clipped_linears: bool.default(false),
  /** Whether features are shifted and scaled at the end. */
  standardize: bool.default(false),
  hidden_activation: oneOf("gelu_pytorch_tanh").optional(),
};
type Config = Infer<typeof gemma4TowerConfig>;

/** A layer whose inputs and outputs may have bounds. */
class BoundedLinear extends Module {
  linear: Linear;
  declare input_min?: MxArray;
  declare input_max?: MxArray;
  declare output_min?: MxArray;
  declare output_max?: MxArray;

  constructor(inputs: number, outputs: number, bounded: boolean) {
    super();
    this.linear = new Linear(inputs, outputs, false);
    if (!bounded) return;
    const [low, high] = [mx.array(Number.NEGATIVE_INFINITY), mx.array(Number.POSITIVE_INFINITY)];
    [this.input_min, this.input_max, this.output_min, this.output_max] = [low, high, low, high];
  }

  forward(x: MxArray): MxArray {
    const out = this.linear.forward(bound(x, this.input_min, this.input_max));
    return bound(out, this.output_min, this.output_max);
  }
}

const bound = (x: MxArray, low: MxArray | undefined, high: MxArray | undefined): MxArray =>
  low === undefined || high === undefined ? x : mx.clip(x, low, high);

class Attention extends Module {
  q_proj: BoundedLinear;
  k_proj: BoundedLinear;
  v_proj: BoundedLinear;
  o_proj: BoundedLinear;
  q_norm: RMSNorm;
  k_norm: RMSNorm;
  readonly #c: Config;

  constructor(c: Config) {
    super();
    const { hidden_size: E, num_attention_heads: H, num_key_value_heads: K, head_dim: D } = c;
    const bounded = c.use_clipped_linears;
    this.q_proj = new BoundedLinear(E, H * D, bounded);
    this.k_proj = new BoundedLinear(E, K * D, bounded);
    this.v_proj = new BoundedLinear(E, K * D, bounded);
    this.o_proj = new BoundedLinear(H * D, E, bounded);
    this.q_norm = new RMSNorm(D, NORM_EPS);
    this.k_norm = new RMSNorm(D, NORM_EPS);
    this.#c = c;
  }

  /** `[B, N, E] -> [B, N, E]`, with angles by row and by column `[N, D / 4]` */
  forward(x: MxArray, angles: Angles): MxArray {
    const [B = 1, N = 1] = x.shape;
    const { num_attention_heads: H, num_key_value_heads: K } = this.#c;
    const q = turn(this.q_norm.forward(splitHeads(this.q_proj.forward(x), B, N, H)), angles); // [B, H, N, D]
    const k = turn(this.k_norm.forward(splitHeads(this.k_proj.forward(x), B, N, K)), angles); // [B, K, N, D]
    const v = mx.fast.rmsNorm(splitHeads(this.v_proj.forward(x), B, N, K), undefined, NORM_EPS); // [B, K, N, D]
    return this.o_proj.forward(mergeHeads(attention(q, k, v, { scale: 1 }), B, N));
  }
}

/** Of the norms of heads, whatever the config says. */
const NORM_EPS = 1e-6;

/** By how much pairs turn, `[N, D / 4]` each. */
type Angles = readonly [byRow: MxArray, byColumn: MxArray];

/** The first half of each head turns by column, the other by row. */
const turn = (x: MxArray, [byRow, byColumn]: Angles): MxArray => {
  const dims = x.dim(-1) / 2;
  const [first = x, second = x] = mx.split(x, 2, -1);
  return mx.concatenate([turnPairs(first, dims, false, byColumn), turnPairs(second, dims, false, byRow)], -1);
};

class MLP extends Module {
  gate_proj: BoundedLinear;
  up_proj: BoundedLinear;
  down_proj: BoundedLinear;

  constructor({ hidden_size: E, intermediate_size: F, use_clipped_linears }: Config) {
    super();
    this.gate_proj = new BoundedLinear(E, F, use_clipped_linears);
    this.up_proj = new BoundedLinear(E, F, use_clipped_linears);
    this.down_proj = new BoundedLinear(F, E, use_clipped_linears);
  }

  forward(x: MxArray): MxArray {
    return this.down_proj.forward(geluApprox(this.gate_proj.forward(x)).multiply(this.up_proj.forward(x)));
  }
}

class Block extends Module {
  self_attn: Attention;
  mlp: MLP;
  input_layernorm: RMSNorm;
  post_attention_layernorm: RMSNorm;
  pre_feedforward_layernorm: RMSNorm;
  post_feedforward_layernorm: RMSNorm;

  constructor(c: Config) {
    super();
    const norm = () => new RMSNorm(c.hidden_size, c.rms_norm_eps);
    this.self_attn = new Attention(c);
    this.mlp = new MLP(c);
    this.input_layernorm = norm();
    this.post_attention_layernorm = norm();
    this.pre_feedforward_layernorm = norm();
    this.post_feedforward_layernorm = norm();
  }

  forward(x: MxArray, angles: Angles): MxArray {
    const attended = this.self_attn.forward(this.input_layernorm.forward(x), angles);
    const h = mx.add(x, this.post_attention_layernorm.forward(attended)); // [B, N, E]
    const fed = this.mlp.forward(this.pre_feedforward_layernorm.forward(h));
    return mx.add(h, this.post_feedforward_layernorm.forward(fed)); // [B, N, E]
  }
}

class Blocks extends Module {
  layers: Block[];

  constructor(c: Config) {
    super();
    this.layers = Array.from({ length: c.num_hidden_layers }, () => new Block(c));
  }
}

class Patches extends Module {
  input_proj: Linear;
  /** By column, and by row. */
  position_embedding_table: MxArray;
  readonly #patchSize: number;

  constructor(c: Config) {
    super();
    this.input_proj = new Linear(3 * c.patch_size ** 2, c.hidden_size, false);
    this.position_embedding_table = mx.ones([2, c.position_embedding_size, c.hidden_size]);
    this.#patchSize = c.patch_size;
  }

  /** Pixels from 0 to 1 `[B, C, H, W]` to `[B, N, E]`, at rows and columns `[N, 2]` */
  forward(pixels: MxArray, positions: MxArray): MxArray {
    const centered = pixels.subtract(0.5).multiply(2);
    const patches = this.input_proj.forward(cutPatches(centered, this.#patchSize));
    const along = (table: 0 | 1) => {
      const at = mx.index(positions, [], 1 - table); // [N]
      return mx.take(mx.index(this.position_embedding_table, table), at, 0); // [N, E]
    };
    return mx.add(patches, mx.add(along(0), along(1)));
  }
}

/** The tower, down to features of tokens. */
export class Gemma4Tower extends Module {
  patch_embedder: Patches;
  encoder: Blocks;
  declare std_bias?: MxArray;
  declare std_scale?: MxArray;
  readonly #c: Config;

  constructor(c: Config) {
    super();
    this.patch_embedder = new Patches(c);
    this.encoder = new Blocks(c);
    if (c.standardize) {
      this.std_bias = mx.zeros([c.hidden_size]);
      this.std_scale = mx.ones([c.hidden_size]);
    }
    this.#c = c;
  }

  /** `[B, C, H, W] -> [B, N, E]` */
  forward(pixels: MxArray): MxArray {
    const { patch_size, head_dim, rope_parameters } = this.#c;
    const [rows = 0, columns = 0] = pixels.shape.slice(2).map((size) => Math.floor(size / patch_size));
    const positions = patchPositions({ frames: 1, rows, columns, merge: 1 });
    const [byRow = positions, byColumn = positions] = mx.split(
      gridAngles(positions, head_dim, { base: rope_parameters.rope_theta }),
      2,
      -1,
    );
    let x = this.patch_embedder.forward(pixels, positions);
    for (const block of this.encoder.layers) x = block.forward(x, [byRow, byColumn]);
    return this.#standardize(this.#pool(x, rows, columns));
  }

  /** Means over squares of patches. */
  #pool(x: MxArray, rows: number, columns: number): MxArray {
    const { pooling_kernel_size: size, hidden_size: E } = this.#c;
    const squares = mx.reshape(x, [-1, rows / size, size, columns / size, size, E]);
    return mx.flatten(mx.mean(squares, [2, 4]), 1, 2).multiply(E ** 0.5);
  }

  #standardize(x: MxArray): MxArray {
    const { std_bias, std_scale } = this;
    return std_bias === undefined || std_scale === undefined ? x : x.subtract(std_bias).multiply(std_scale);
  }
}
