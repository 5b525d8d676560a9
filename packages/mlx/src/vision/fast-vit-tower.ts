/**
 * FastViTHD: convolutions, and attention once five halvings have left few places. What training kept beside its
 * convolutions is folded into them.
 *
 * @see mlx-vlm 0.7.10 models/fastvlm/vision.py
 */
import { attention, mergeHeads, splitHeads } from "../blocks/attention.ts";
import { add, flatten, type MxArray, mean, multiply, ones, reshape, sigmoid, split } from "../core/index.ts";
import { type Infer, int, list, number, oneOf } from "../models/config.ts";
import { BatchNorm, Conv2d, gelu, LayerNorm, Linear, Module, relu } from "../nn/index.ts";

/** Sizes of the tower, which configs leave out: all released ones have these. */
export const fastVitConfig = {
  /** Blocks of each stage. */
  layers: list(int.required()).default([2, 12, 24, 4, 2]),
  embed_dims: list(int.required()).default([96, 192, 384, 768, 1536]),
  token_mixers: list(oneOf("repmixer", "attention").required()).default([
    "repmixer",
    "repmixer",
    "repmixer",
    "attention",
    "attention",
  ]),
  /** How many times the features of the last stage come out. */
  cls_ratio: number.default(2),
};
type Config = Infer<typeof fastVitConfig>;

const MLP_RATIO = 4;
const HEAD_DIM = 32;
/** Sides of the kernels that mix places, give positions and halve the sides. */
const [MIX, PLACE, HALVE] = [3, 7, 7];
/** Features for each one that says which of them count. */
const SQUEEZE = 16;

/** As many places as there were, each feature by itself. */
const depthwise = (dims: number, kernelSize: number, bias = true): Conv2d =>
  new Conv2d(dims, dims, kernelSize, { padding: kernelSize >> 1, groups: dims, bias });

/** Weighs features by what the whole picture has of them. */
class Squeeze extends Module {
  reduce: Conv2d;
  expand: Conv2d;

  constructor(dims: number) {
    super();
    const few = Math.floor(dims / SQUEEZE);
    this.reduce = new Conv2d(dims, few, 1);
    this.expand = new Conv2d(few, dims, 1);
  }

  /** `[B, H, W, E] -> [B, H, W, E]` */
  forward(x: MxArray): MxArray {
    const whole = this.reduce.forward(mean(x, [1, 2], true)); // [B, 1, 1, few]
    return multiply(x, sigmoid(this.expand.forward(relu(whole))));
  }
}

interface ConvolutionOptions {
  readonly stride?: number;
  readonly groups?: number;
  readonly squeezes?: boolean;
}

class Convolution extends Module {
  reparam_conv: Conv2d;
  declare se?: Squeeze;

  constructor(inputs: number, outputs: number, kernelSize: number, options: ConvolutionOptions = {}) {
    super();
    const { squeezes = false, ...rest } = options;
    this.reparam_conv = new Conv2d(inputs, outputs, kernelSize, { padding: kernelSize >> 1, ...rest });
    if (squeezes) this.se = new Squeeze(outputs);
  }

  forward(x: MxArray): MxArray {
    const y = this.reparam_conv.forward(x);
    return gelu(this.se?.forward(y) ?? y);
  }
}

/** The picture to a quarter of its sides. */
class Stem extends Module {
  blocks: [Convolution, Convolution, Convolution];

  constructor(dims: number) {
    super();
    this.blocks = [
      new Convolution(3, dims, MIX, { stride: 2 }),
      new Convolution(dims, dims, MIX, { stride: 2, groups: dims }),
      new Convolution(dims, dims, 1),
    ];
  }

  forward(x: MxArray): MxArray {
    return this.blocks.reduce((h, block) => block.forward(h), x);
  }
}

class LargeConvolution extends Module {
  lkb_reparam: Conv2d;

  constructor(inputs: number, outputs: number) {
    super();
    this.lkb_reparam = new Conv2d(inputs, outputs, HALVE, {
      stride: 2,
      padding: HALVE >> 1,
      groups: inputs,
    });
  }

  forward(x: MxArray): MxArray {
    return gelu(this.lkb_reparam.forward(x));
  }
}

/** Between stages: half the sides, more features. */
class Halving extends Module {
  proj: [LargeConvolution, Convolution];

  constructor(inputs: number, outputs: number) {
    super();
    this.proj = [new LargeConvolution(inputs, outputs), new Convolution(outputs, outputs, 1)];
  }

  forward(x: MxArray): MxArray {
    const [large, pointwise] = this.proj;
    return pointwise.forward(large.forward(x));
  }
}

/** What places are made of their neighbours, of each feature by itself. */
class Mixer extends Module {
  reparam_conv: Conv2d;

  constructor(dims: number, kernelSize: number) {
    super();
    this.reparam_conv = depthwise(dims, kernelSize);
  }

  forward(x: MxArray): MxArray {
    return this.reparam_conv.forward(x);
  }
}

class NormedConvolution extends Module {
  conv: Conv2d;
  bn: BatchNorm;

  constructor(dims: number) {
    super();
    this.conv = depthwise(dims, PLACE, false);
    this.bn = new BatchNorm(dims);
  }

  forward(x: MxArray): MxArray {
    return this.bn.forward(this.conv.forward(x));
  }
}

class FeedForward extends Module {
  conv: NormedConvolution;
  fc1: Conv2d;
  fc2: Conv2d;

  constructor(dims: number) {
    super();
    this.conv = new NormedConvolution(dims);
    this.fc1 = new Conv2d(dims, dims * MLP_RATIO, 1);
    this.fc2 = new Conv2d(dims * MLP_RATIO, dims, 1);
  }

  forward(x: MxArray): MxArray {
    return this.fc2.forward(gelu(this.fc1.forward(this.conv.forward(x))));
  }
}

class ConvolutionBlock extends Module {
  token_mixer: Mixer;
  convffn: FeedForward;
  layer_scale: MxArray;

  constructor(dims: number) {
    super();
    this.token_mixer = new Mixer(dims, MIX);
    this.convffn = new FeedForward(dims);
    this.layer_scale = ones([1, 1, dims]);
  }

  /** `[B, H, W, E] -> [B, H, W, E]` */
  forward(x: MxArray): MxArray {
    const h = this.token_mixer.forward(x);
    return add(h, this.convffn.forward(h).multiply(this.layer_scale));
  }
}

class Attention extends Module {
  qkv: Linear;
  proj: Linear;
  readonly #H: number;

  constructor(dims: number) {
    super();
    this.qkv = new Linear(dims, dims * 3, false);
    this.proj = new Linear(dims, dims);
    this.#H = dims / HEAD_DIM;
  }

  /** Of all places to all places, `[B, H, W, E] -> [B, H, W, E]`. */
  forward(x: MxArray): MxArray {
    const [B = 1, rows = 1, columns = 1] = x.shape;
    const N = rows * columns;
    const parts = split(flatten(this.qkv.forward(x), 1, 2), 3, -1);
    const [q = x, k = x, v = x] = parts.map((part) => splitHeads(part, B, N, this.#H)); // [B, H, N, D]
    const mixed = mergeHeads(attention(q, k, v, { scale: HEAD_DIM ** -0.5 }), B, N);
    return reshape(this.proj.forward(mixed), [B, rows, columns, -1]);
  }
}

class AttentionBlock extends Module {
  norm: LayerNorm;
  token_mixer: Attention;
  convffn: FeedForward;
  layer_scale_1: MxArray;
  layer_scale_2: MxArray;

  constructor(dims: number) {
    super();
    this.norm = new LayerNorm(dims);
    this.token_mixer = new Attention(dims);
    this.convffn = new FeedForward(dims);
    this.layer_scale_1 = ones([1, 1, dims]);
    this.layer_scale_2 = ones([1, 1, dims]);
  }

  /** `[B, H, W, E] -> [B, H, W, E]` */
  forward(x: MxArray): MxArray {
    const mixed = this.token_mixer.forward(this.norm.forward(x));
    const h = add(x, mixed.multiply(this.layer_scale_1));
    return add(h, this.convffn.forward(h).multiply(this.layer_scale_2));
  }
}

type Step = (ConvolutionBlock | AttentionBlock)[] | Mixer | Halving;

/** What a stage consists of: positions where attention needs them, blocks, and half the sides where another follows. */
const stageSteps = ({ layers, embed_dims, token_mixers }: Config, stage: number): Step[] => {
  const [E = 0, next] = embed_dims.slice(stage);
  const attends = token_mixers[stage] === "attention";
  const Block = attends ? AttentionBlock : ConvolutionBlock;
  const blocks = Array.from({ length: layers[stage] ?? 0 }, () => new Block(E));
  return [
    ...(attends ? [new Mixer(E, PLACE)] : []),
    blocks,
    ...(next === undefined ? [] : [new Halving(E, next)]),
  ];
};

/** The tower without its head, which names a picture's class. */
class FastVit extends Module {
  patch_embed: Stem;
  network: Step[];
  conv_exp: Convolution;

  constructor(c: Config) {
    super();
    const [first = 0, last = first] = [c.embed_dims[0], c.embed_dims.at(-1)];
    this.patch_embed = new Stem(first);
    this.network = c.layers.flatMap((_, stage) => stageSteps(c, stage));
    this.conv_exp = new Convolution(last, last * c.cls_ratio, MIX, { groups: last, squeezes: true });
  }

  forward(x: MxArray): MxArray {
    return this.conv_exp.forward(
      this.network.flat().reduce((h, step) => step.forward(h), this.patch_embed.forward(x)),
    );
  }
}

/** FastViTHD, where checkpoints have it. */
export class FastVitTower extends Module {
  vision_model: FastVit;

  constructor(c: Config) {
    super();
    this.vision_model = new FastVit(c);
  }

  /** Pixels `[B, H, W, C]` to features of squares of `4 * 2 ** (stages - 1)` pixels, `[B, H', W', E]`. */
  forward(pixels: MxArray): MxArray {
    return this.vision_model.forward(pixels);
  }
}
