/**
 * The vision tower of Gemma 4: patches that turn by column and row, whose squares are averaged.
 *
 * @see mlx-vlm 0.7.10 models/gemma4/vision.py
 */
import { attention, mergeHeads, splitHeads } from "../blocks/attention.ts";
import { rmsNorm } from "../blocks/norm.ts";
import * as mx from "../core/index.ts";
import { add, fast, type MxArray } from "../core/index.ts";
import { InvalidArgumentError } from "../errors.ts";
import { bool, type Infer, int, number, object, oneOf } from "../models/config.ts";
import { geglu, Linear, Module, RMSNorm, turnPairs } from "../nn/index.ts";
import { gridAngles, type PatchGrid, patchPositions } from "./patch-grid.ts";

/** Keys of `vision_config` for Gemma 4's tower. */
export const gemma4TowerConfig = {
  hidden_size: int.default(768),
  intermediate_size: int.default(3072),
  num_hidden_layers: int.default(16),
  num_attention_heads: int.default(12),
  num_key_value_heads: int.default(12),
  head_dim: int.default(64),
  rms_norm_eps: number.default(1e-6),
  patch_size: int.default(16),
  /** Patches along the longest side. */
  position_embedding_size: int.default(10240),
  /** Patches along a side that become one token. */
  pooling_kernel_size: int.default(3),
  /** Whether what enters and leaves a layer is kept within bounds of its own. */
  use_clipped_linears: bool.default(false),
  /** Whether tokens are shifted and scaled at the end. */
  standardize: bool.default(false),
  rope_parameters: object({
    rope_theta: number.default(100),
    rope_type: oneOf("default").default("default"),
  }).default({ rope_theta: 100, rope_type: "default" }),
  attention_bias: oneOf(false).optional(),
  hidden_activation: oneOf("gelu_pytorch_tanh").optional(),
  // of the image processor, or of other models
  default_output_length: int.optional(),
  global_head_dim: int.optional(),
  max_position_embeddings: int.optional(),
};
type Config = Infer<typeof gemma4TowerConfig>;

const HEAD_EPS = 1e-6; // whatever a config says

/** A layer that keeps what enters and leaves it within bounds, where a checkpoint has them. */
class BoundedLinear extends Module {
  linear: Linear;
  declare input_min?: MxArray;
  declare input_max?: MxArray;
  declare output_min?: MxArray;
  declare output_max?: MxArray;

  constructor(inputs: number, outputs: number, isBounded: boolean) {
    super();
    this.linear = new Linear(inputs, outputs, false);
    if (!isBounded) return;
    this.input_min = mx.full([], -Infinity, mx.float32);
    this.input_max = mx.full([], Infinity, mx.float32);
    this.output_min = mx.full([], -Infinity, mx.float32);
    this.output_max = mx.full([], Infinity, mx.float32);
  }

  forward(x: MxArray): MxArray {
    const out = this.linear.forward(within(x, this.input_min, this.input_max));
    return within(out, this.output_min, this.output_max);
  }
}

const within = (x: MxArray, min: MxArray | undefined, max: MxArray | undefined): MxArray =>
  min === undefined || max === undefined ? x : mx.clip(x, min, max);

class Attention extends Module {
  q_proj: BoundedLinear;
  k_proj: BoundedLinear;
  v_proj: BoundedLinear;
  o_proj: BoundedLinear;
  q_norm: RMSNorm;
  k_norm: RMSNorm;
  readonly #H: number;
  readonly #K: number;

  constructor(c: Config) {
    super();
    const { hidden_size: E, num_attention_heads: H, num_key_value_heads: K, head_dim: D } = c;
    this.q_proj = new BoundedLinear(E, H * D, c.use_clipped_linears);
    this.k_proj = new BoundedLinear(E, K * D, c.use_clipped_linears);
    this.v_proj = new BoundedLinear(E, K * D, c.use_clipped_linears);
    this.o_proj = new BoundedLinear(H * D, E, c.use_clipped_linears);
    this.q_norm = new RMSNorm(D, HEAD_EPS);
    this.k_norm = new RMSNorm(D, HEAD_EPS);
    this.#H = H;
    this.#K = K;
  }

  /**
   * @param x - `[B, N, E]`
   * @param angles - by column and by row, `[N, 2, D / 4]`
   */
  forward(x: MxArray, angles: MxArray): MxArray {
    const [B = 1, N = 1] = x.shape;
    const heads = (layer: BoundedLinear, count: number) => splitHeads(layer.forward(x), B, N, count);
    const q = turnHalves(this.q_norm.forward(heads(this.q_proj, this.#H)), angles); // [B, H, N, D]
    const k = turnHalves(this.k_norm.forward(heads(this.k_proj, this.#K)), angles); // [B, K, N, D]
    const v = fast.rmsNorm(heads(this.v_proj, this.#K), undefined, HEAD_EPS); // [B, K, N, D]
    return this.o_proj.forward(mergeHeads(attention(q, k, v, { scale: 1 }), B, N));
  }
}

/** Each half of `[B, H, N, D]` turned by angles of its own. */
const turnHalves = (x: MxArray, angles: MxArray): MxArray => {
  const D = x.dim(-1);
  return mx.flatten(turnPairs(mx.unflatten(x, -1, [2, D / 2]), D / 2, false, angles), -2);
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
    return this.down_proj.forward(geglu(this.gate_proj.forward(x), this.up_proj.forward(x)));
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
    this.self_attn = new Attention(c);
    this.mlp = new MLP(c);
    this.input_layernorm = rmsNorm(c);
    this.post_attention_layernorm = rmsNorm(c);
    this.pre_feedforward_layernorm = rmsNorm(c);
    this.post_feedforward_layernorm = rmsNorm(c);
  }

  forward(x: MxArray, angles: MxArray): MxArray {
    const attended = this.self_attn.forward(this.input_layernorm.forward(x), angles); // [B, N, E]
    const h = add(x, this.post_attention_layernorm.forward(attended));
    const fed = this.mlp.forward(this.pre_feedforward_layernorm.forward(h)); // [B, N, E]
    return add(h, this.post_feedforward_layernorm.forward(fed));
  }
}

class PatchEmbedder extends Module {
  input_proj: Linear;
  position_embedding_table: MxArray;
  readonly #patchSize: number;

  constructor({ hidden_size: E, patch_size: P, position_embedding_size }: Config) {
    super();
    this.input_proj = new Linear(3 * P ** 2, E, false);
    this.position_embedding_table = mx.ones([2, position_embedding_size, E]);
    this.#patchSize = P;
  }

  /**
   * @param pixels - from 0 to 1, `[1, C, H, W]`
   * @param positions - column and row of every patch, `[N, 2]`
   * @returns `[1, N, E]`
   */
  forward(pixels: MxArray, positions: MxArray, { rows, columns }: PatchGrid): MxArray {
    const P = this.#patchSize;
    const grid = mx.reshape(pixels, [1, -1, rows, P, columns, P]);
    const patches = mx.reshape(mx.transpose(grid, [0, 2, 4, 3, 5, 1]), [1, rows * columns, -1]);
    const centred = patches.subtract(0.5).multiply(2).astype(this.position_embedding_table.dtype);
    const along = mx.split(this.position_embedding_table, 2, 0).map((table, axis) => {
      const places = mx.squeeze(mx.index(positions, [], [axis, axis + 1]), 1); // [N]
      return mx.take(table, places, 1); // [1, N, E]
    });
    return along.reduce((sum, part) => add(sum, part), this.input_proj.forward(centred));
  }
}

class Blocks extends Module {
  layers: Block[];

  constructor(c: Config) {
    super();
    this.layers = Array.from({ length: c.num_hidden_layers }, () => new Block(c));
  }
}

/** Gemma 4's tower. */
export class Gemma4Tower extends Module {
  patch_embedder: PatchEmbedder;
  encoder: Blocks;
  declare std_bias?: MxArray;
  declare std_scale?: MxArray;
  readonly #c: Config;

  constructor(c: Config) {
    super();
    this.patch_embedder = new PatchEmbedder(c);
    this.encoder = new Blocks(c);
    this.#c = c;
    if (!c.standardize) return;
    this.std_bias = mx.zeros([c.hidden_size]);
    this.std_scale = mx.ones([c.hidden_size]);
  }

  /**
   * Pixels `[1, C, H, W]` to a row per token, `[N, E]`.
   *
   * @throws {InvalidArgumentError} when tokens do not cover the image
   */
  forward(pixels: MxArray): MxArray {
    const { head_dim, rope_parameters, hidden_size } = this.#c;
    const grid = this.#gridOf(pixels);
    const [row = pixels, column = pixels] = mx.split(patchPositions(grid), 2, 1);
    const positions = mx.concatenate([column, row], 1); // [N, 2]
    const angles = gridAngles(positions, head_dim, { base: rope_parameters.rope_theta }); // [N, D / 2]
    const turns = mx.unflatten(angles, -1, [2, head_dim / 4]);
    let h = this.patch_embedder.forward(pixels, positions, grid); // [1, patches, E]
    for (const block of this.encoder.layers) h = block.forward(h, turns);
    const tokens = this.#pool(h, grid).multiply(hidden_size ** 0.5);
    const { std_bias, std_scale } = this;
    return std_bias && std_scale ? tokens.subtract(std_bias).multiply(std_scale) : tokens;
  }

  /** Means over squares of patches, `[1, patches, E] -> [N, E]`. */
  #pool(h: MxArray, { rows, columns }: PatchGrid): MxArray {
    const k = this.#c.pooling_kernel_size;
    const squares = mx.reshape(h, [rows / k, k, columns / k, k, -1]);
    return mx.flatten(mx.mean(squares, [1, 3]), 0, 1);
  }

  #gridOf(pixels: MxArray): PatchGrid {
    const { patch_size, pooling_kernel_size } = this.#c;
    const side = patch_size * pooling_kernel_size;
    const [H, W] = [pixels.dim(2), pixels.dim(3)];
    if (H % side !== 0 || W % side !== 0) {
      throw new InvalidArgumentError(
        `Expected an image whose sides divide by ${side} but received ${W}x${H} pixels`,
      );
    }
    return { frames: 1, rows: H / patch_size, columns: W / patch_size, merge: 1 };
  }
}
