/**
 * DaViT: each block attends within windows of places, then among channels, with convolutions of single channels before
 * every step. Between stages the sides shrink.
 *
 * @see mlx-vlm 0.7.10 models/florence2/vision.py
 */
import { attention, mergeHeads, splitHeads } from "../blocks/attention.ts";
import {
  add,
  flatten,
  type MxArray,
  matmul,
  pad,
  reshape,
  slice,
  softmax,
  split,
  transpose,
} from "../core/index.ts";
import { ConfigError } from "../errors.ts";
import { bool, type Infer, int, list, number, oneOf } from "../models/config.ts";
import { Conv2d, gelu, LayerNorm, Linear, Module } from "../nn/index.ts";

const ints = (...sizes: number[]) => list(int.required()).default(sizes);

/** A config's settings, most of them per stage; the defaults are those of the base model. */
export const davitConfig = {
  model_type: oneOf("", "davit", "florence_vision").optional(),
  in_chans: int.default(3),
  depths: ints(1, 1, 9, 1),
  dim_embed: ints(128, 256, 512, 1024),
  num_heads: ints(4, 8, 16, 32),
  num_groups: ints(4, 8, 16, 32),
  patch_size: ints(7, 3, 3, 3),
  patch_stride: ints(4, 2, 2, 2),
  patch_padding: ints(3, 1, 1, 1),
  patch_prenorm: list(bool.required()).default([false, true, true, true]),
  window_size: int.default(12),
  mlp_ratio: number.default(4),
  qkv_bias: bool.default(true),
  conv_at_attn: oneOf(true).optional(),
  conv_at_ffn: oneOf(true).optional(),
  drop_path_rate: number.optional(), // of training
};
type Config = Infer<typeof davitConfig>;

const KERNEL = 3;

/** Fewer places with more features. */
class Embedding extends Module {
  proj: Conv2d;
  norm: LayerNorm;
  readonly #isNormedBefore: boolean;

  constructor(c: Config, stage: number) {
    super();
    const [inputs, E] = [stage === 0 ? c.in_chans : at(c.dim_embed, stage - 1), at(c.dim_embed, stage)];
    this.#isNormedBefore = at(c.patch_prenorm, stage);
    this.proj = new Conv2d(inputs, E, at(c.patch_size, stage), {
      stride: at(c.patch_stride, stage),
      padding: at(c.patch_padding, stage),
    });
    this.norm = new LayerNorm(this.#isNormedBefore ? inputs : E);
  }

  /** `[B, H, W, C] -> [B, H', W', E]` */
  forward(x: MxArray): MxArray {
    return this.#isNormedBefore
      ? this.proj.forward(this.norm.forward(x))
      : this.norm.forward(this.proj.forward(x));
  }
}

class Depthwise extends Module {
  dw: Conv2d;

  constructor(dims: number) {
    super();
    this.dw = new Conv2d(dims, dims, KERNEL, { padding: KERNEL >> 1, groups: dims });
  }

  forward(x: MxArray): MxArray {
    return this.dw.forward(x);
  }
}

class ChannelAttention extends Module {
  qkv: Linear;
  proj: Linear;
  readonly #groups: number;

  constructor(dims: number, groups: number, bias: boolean) {
    super();
    this.qkv = new Linear(dims, dims * 3, bias);
    this.proj = new Linear(dims, dims);
    this.#groups = groups;
  }

  /** Of the channels of a group to each other, `[B, H, W, E] -> [B, H, W, E]`. */
  forward(x: MxArray): MxArray {
    const [B = 1, H = 1, W = 1] = x.shape;
    const N = H * W;
    const parts = split(flatten(this.qkv.forward(x), 1, 2), 3, -1);
    const [q = x, k = x, v = x] = parts.map((part) => splitHeads(part, B, N, this.#groups)); // [B, groups, N, D]
    const scores = matmul(transpose(q.multiply(N ** -0.5), [0, 1, 3, 2]), k); // [B, groups, D, D]
    const mixed = matmul(v, transpose(softmax(scores, -1), [0, 1, 3, 2])); // [B, groups, N, D]
    return this.proj.forward(reshape(mergeHeads(mixed, B, N), x.shape));
  }
}

class WindowAttention extends Module {
  qkv: Linear;
  proj: Linear;
  readonly #heads: number;
  readonly #side: number;

  constructor(dims: number, heads: number, side: number, bias: boolean) {
    super();
    this.qkv = new Linear(dims, dims * 3, bias);
    this.proj = new Linear(dims, dims);
    this.#heads = heads;
    this.#side = side;
  }

  /** Of the places in a window to each other, those beyond the picture among them, `[B, H, W, E] -> [B, H, W, E]`. */
  forward(x: MxArray): MxArray {
    const [B = 1, H = 1, W = 1, E = 1] = x.shape;
    const S = this.#side;
    const [rows, columns] = [Math.ceil(H / S), Math.ceil(W / S)];
    const padded = pad(x, [1, 2], [0, 0], [rows * S - H, columns * S - W]);
    const windows = swapped(reshape(padded, [B, rows, S, columns, S, E])); // [B, rows, columns, S, S, E]
    const [count, N] = [B * rows * columns, S * S];
    const parts = split(this.qkv.forward(reshape(windows, [count, N, E])), 3, -1);
    const [q = x, k = x, v = x] = parts.map((part) => splitHeads(part, count, N, this.#heads));
    const scale = (E / this.#heads) ** -0.5;
    const mixed = this.proj.forward(mergeHeads(attention(q, k, v, { scale }), count, N));
    const whole = swapped(reshape(mixed, [B, rows, columns, S, S, E])); // [B, rows, S, columns, S, E]
    return slice(reshape(whole, padded.shape), [0, 0, 0, 0], [B, H, W, E]);
  }
}

/** The third axis of six before the fourth, or back. */
const swapped = (x: MxArray): MxArray => transpose(x, [0, 1, 3, 2, 4, 5]);

class FeedForwardLayers extends Module {
  fc1: Linear;
  fc2: Linear;

  constructor(dims: number, hiddenDims: number) {
    super();
    this.fc1 = new Linear(dims, hiddenDims);
    this.fc2 = new Linear(hiddenDims, dims);
  }

  forward(x: MxArray): MxArray {
    return this.fc2.forward(gelu(this.fc1.forward(x)));
  }
}

class FeedForward extends Module {
  net: FeedForwardLayers;

  constructor(dims: number, hiddenDims: number) {
    super();
    this.net = new FeedForwardLayers(dims, hiddenDims);
  }

  forward(x: MxArray): MxArray {
    return this.net.forward(x);
  }
}

interface Step extends Module {
  /** `[B, H, W, E] -> [B, H, W, E]` */
  forward(x: MxArray): MxArray;
}

/** What a step adds to the features, normed where it has a norm. */
class Residual extends Module {
  declare norm?: LayerNorm;
  fn: Step;

  constructor(fn: Step, norm?: LayerNorm) {
    super();
    this.fn = fn;
    if (norm !== undefined) this.norm = norm;
  }

  forward(x: MxArray): MxArray {
    return add(x, this.fn.forward(this.norm?.forward(x) ?? x));
  }
}

/** Half a block; its attention goes by the name of what it attends to. */
abstract class HalfBlock extends Module {
  conv1: Residual;
  conv2: Residual;
  ffn: Residual;

  constructor(c: Config, dims: number) {
    super();
    this.conv1 = new Residual(new Depthwise(dims));
    this.conv2 = new Residual(new Depthwise(dims));
    this.ffn = new Residual(new FeedForward(dims, Math.trunc(dims * c.mlp_ratio)), new LayerNorm(dims));
  }

  protected abstract get attention(): Residual;

  forward(x: MxArray): MxArray {
    const attended = this.attention.forward(this.conv1.forward(x));
    return this.ffn.forward(this.conv2.forward(attended));
  }
}

class SpatialBlock extends HalfBlock {
  window_attn: Residual;

  constructor(c: Config, stage: number) {
    const dims = at(c.dim_embed, stage);
    super(c, dims);
    const windows = new WindowAttention(dims, at(c.num_heads, stage), c.window_size, c.qkv_bias);
    this.window_attn = new Residual(windows, new LayerNorm(dims));
  }

  protected get attention(): Residual {
    return this.window_attn;
  }
}

class ChannelBlock extends HalfBlock {
  channel_attn: Residual;

  constructor(c: Config, stage: number) {
    const dims = at(c.dim_embed, stage);
    super(c, dims);
    const channels = new ChannelAttention(dims, at(c.num_groups, stage), c.qkv_bias);
    this.channel_attn = new Residual(channels, new LayerNorm(dims));
  }

  protected get attention(): Residual {
    return this.channel_attn;
  }
}

class Block extends Module {
  spatial_block: SpatialBlock;
  channel_block: ChannelBlock;

  constructor(c: Config, stage: number) {
    super();
    this.spatial_block = new SpatialBlock(c, stage);
    this.channel_block = new ChannelBlock(c, stage);
  }

  forward(x: MxArray): MxArray {
    return this.channel_block.forward(this.spatial_block.forward(x));
  }
}

/** Pixels through stages of blocks. */
export class DavitTower extends Module {
  convs: Embedding[];
  blocks: Block[][];

  constructor(c: Config) {
    super();
    this.convs = c.depths.map((_, stage) => new Embedding(c, stage));
    this.blocks = c.depths.map((depth, stage) => Array.from({ length: depth }, () => new Block(c, stage)));
  }

  /** `[B, H, W, C] -> [B, H', W', E]` */
  forward(pixels: MxArray): MxArray {
    return this.convs.reduce((x, conv, stage) => {
      const embedded = conv.forward(x);
      return (this.blocks[stage] ?? []).reduce((h, block) => block.forward(h), embedded);
    }, pixels);
  }
}

/** The setting of a stage. @throws {ConfigError} where a list is too short */
function at<T>(settings: readonly T[], stage: number): T {
  const found = settings[stage];
  if (found === undefined) throw new ConfigError(`config.json: a list has no value for stage ${stage}`);
  return found;
}
