/** MobileNet V5, the tower of Gemma 3n. @see timm 1.0.31 models/mobilenetv5.py, models/_efficientnet_blocks.py */
import { attention, mergeHeads, splitHeads } from "../blocks/attention.ts";
import {
  add,
  arange,
  concatenate,
  floorDivide,
  type MxArray,
  mean,
  ones,
  reshape,
  take,
  transpose,
} from "../core/index.ts";
import { ConfigError } from "../errors.ts";
import { type Infer, int, list, object, oneOf, record, string } from "../models/config.ts";
import { Conv2d, type Conv2dOptions, geluApprox, Module, RMSNorm } from "../nn/index.ts";
import { resizeGrid } from "./resize-grid.ts";

const repeat = (times: number, ...blocks: string[]): string[] => Array<string[]>(times).fill(blocks).flat();

/**
 * The blocks of each stage, as timm writes them: their kind, how often they come (`r`), kernel (`k`, `a` of the
 * convolution before), stride (`s`), expansion (`e`), channels (`c`), heads (`h`), sizes of a head (`d`), stride of keys
 * and values (`v`).
 */
const MOBILENET_V5_300M: readonly (readonly string[])[] = [
  ["er_r1_k3_s2_e4_c128", "er_r2_k3_s1_e4_c128"],
  ["uir_r1_a3_k5_s2_e6_c256", ...repeat(2, "uir_r1_a5_k0_s1_e4_c256", "uir_r1_a3_k0_s1_e4_c256")],
  [
    "uir_r1_a5_k5_s2_e6_c640",
    "uir_r7_a5_k0_s1_e4_c640",
    "uir_r1_a0_k0_s1_e1_c640",
    ...repeat(14, "mqa_r1_k3_h12_v2_s1_d64_c640", "uir_r1_a0_k0_s1_e2_c640"),
  ],
  ["uir_r1_a5_k5_s2_e6_c1280", ...repeat(19, "mqa_r1_k3_h16_s1_d96_c1280", "uir_r1_a0_k0_s1_e2_c1280")],
];

/** Keys of `vision_config`. */
export const mobileNetConfig = {
  /** Channels of what it gives. */
  hidden_size: int.default(2048),
  architecture: oneOf("mobilenetv5_300m_enc").optional(),
  /** `block_args` has other blocks than the architecture's. */
  model_args: object({
    block_args: list(list(string.required()).required()).optional(),
  }).optional(),
  model_type: string.optional(),
  do_pooling: oneOf(false).optional(),
  // of a head that Gemma has not
  label_names: list(string.required()).optional(),
  num_classes: int.optional(),
  pretrained_cfg: record.optional(),
};
type Config = Infer<typeof mobileNetConfig>;

const EPS = 1e-6;
const STEM = 64;

/** A share of channels, in eights. */
const expanded = (channels: number, ratio: number): number => {
  const wanted = channels * ratio;
  const rounded = Math.max(8, Math.floor((wanted + 4) / 8) * 8);
  return rounded < 0.9 * wanted ? rounded + 8 : rounded;
};

type Activation = (x: MxArray) => MxArray;
const none: Activation = (x) => x;

/** A convolution, a norm over channels, and mostly an activation. */
class ConvNorm extends Module {
  conv: Conv2d;
  bn: RMSNorm;
  readonly #activation: Activation;

  constructor(
    inputs: number,
    outputs: number,
    kernel: number,
    { activation = geluApprox, ...options }: Conv2dOptions & { activation?: Activation } = {},
  ) {
    super();
    this.conv = new Conv2d(inputs, outputs, kernel, { bias: false, padding: "same", ...options });
    this.bn = new RMSNorm(outputs, EPS);
    this.#activation = activation;
  }

  forward(x: MxArray): MxArray {
    return this.#activation(this.bn.forward(this.conv.forward(x)));
  }
}

const pointwise = (inputs: number, outputs: number): Conv2d =>
  new Conv2d(inputs, outputs, 1, { bias: false });

/** What a block's name says. */
interface BlockSpec {
  readonly kind: string;
  /** A number by its letter. @throws {ConfigError} when it is not there */
  readonly of: (letter: string, fallback?: number) => number;
}

const readSpec = (text: string): BlockSpec => {
  const [kind = "", ...options] = text.split("_");
  const numbers = new Map(options.map((option) => [option.slice(0, 1), Number(option.slice(1))]));
  const of = (letter: string, fallback?: number): number => {
    const value = numbers.get(letter) ?? fallback;
    if (value === undefined || Number.isNaN(value))
      throw new ConfigError(`config.json: the block ${text} of the vision tower has no number for ${letter}`);
    return value;
  };
  return { kind, of };
};

abstract class Block extends Module {
  /** `[B, H, W, C] -> [B, H', W', C']` */
  abstract forward(x: MxArray): MxArray;
}

class LayerScale extends Module {
  gamma: MxArray;

  constructor(channels: number) {
    super();
    this.gamma = ones([channels]);
  }

  forward(x: MxArray): MxArray {
    return x.multiply(this.gamma);
  }
}

/** A convolution to many channels, and back at single points. */
class EdgeResidual extends Block {
  conv_exp: Conv2d;
  bn1: RMSNorm;
  conv_pwl: Conv2d;
  bn2: RMSNorm;
  readonly #skips: boolean;

  constructor(inputs: number, { of }: BlockSpec) {
    super();
    const [outputs, stride, middle] = [of("c"), of("s"), expanded(inputs, of("e"))];
    this.conv_exp = new Conv2d(inputs, middle, of("k"), { stride, padding: "same", bias: false });
    this.bn1 = new RMSNorm(middle, EPS);
    this.conv_pwl = pointwise(middle, outputs);
    this.bn2 = new RMSNorm(outputs, EPS);
    this.#skips = inputs === outputs && stride === 1;
  }

  forward(x: MxArray): MxArray {
    const wide = geluApprox(this.bn1.forward(this.conv_exp.forward(x)));
    const h = this.bn2.forward(this.conv_pwl.forward(wide));
    return this.#skips ? add(x, h) : h;
  }
}

/** To many channels and back at single points, with convolutions of each channel before and between. */
class UniversalResidual extends Block {
  declare dw_start?: ConvNorm;
  pw_exp: ConvNorm;
  declare dw_mid?: ConvNorm;
  pw_proj: ConvNorm;
  declare layer_scale?: LayerScale;
  readonly #skips: boolean;

  constructor(inputs: number, { of }: BlockSpec, { isScaled = true, skips = true } = {}) {
    super();
    const [outputs, stride, start, between] = [of("c"), of("s"), of("a"), of("k")];
    const middle = expanded(inputs, of("e"));
    const first = { groups: inputs, stride: between > 0 ? 1 : stride, activation: none };
    if (start > 0) this.dw_start = new ConvNorm(inputs, inputs, start, first);
    this.pw_exp = new ConvNorm(inputs, middle, 1);
    if (between > 0) this.dw_mid = new ConvNorm(middle, middle, between, { groups: middle, stride });
    this.pw_proj = new ConvNorm(middle, outputs, 1, { activation: none });
    if (isScaled) this.layer_scale = new LayerScale(outputs);
    this.#skips = skips && inputs === outputs && stride === 1;
  }

  forward(x: MxArray): MxArray {
    const layers = [this.dw_start, this.pw_exp, this.dw_mid, this.pw_proj, this.layer_scale];
    const h = layers.reduce((last, layer) => layer?.forward(last) ?? last, x);
    return this.#skips ? add(x, h) : h;
  }
}

/** A projection of keys or values, of every other point where it has a stride. */
class Projection extends Module {
  declare down_conv?: Conv2d;
  declare norm?: RMSNorm;
  proj: Conv2d;

  constructor(inputs: number, outputs: number, { stride = 1, kernel = 1 } = {}) {
    super();
    if (stride > 1) {
      this.down_conv = new Conv2d(inputs, inputs, kernel, {
        stride,
        padding: "same",
        groups: inputs,
        bias: false,
      });
      this.norm = new RMSNorm(inputs, EPS);
    }
    this.proj = pointwise(inputs, outputs);
  }

  /** `[B, H, W, C] -> [B, H' * W', D]` */
  forward(x: MxArray): MxArray {
    const fewer = this.down_conv === undefined ? x : this.down_conv.forward(x);
    const y = this.proj.forward(this.norm?.forward(fewer) ?? fewer);
    return reshape(y, [y.dim(0), -1, y.dim(3)]);
  }
}

/** Many heads of queries, one of keys and values. */
class MultiQueryAttention extends Module {
  query: Projection;
  key: Projection;
  value: Projection;
  output: Projection;
  readonly #H: number;
  readonly #D: number;

  constructor(channels: number, { of }: BlockSpec) {
    super();
    const [H, D] = [of("h"), of("d")];
    const fewer = { stride: of("v", 1), kernel: of("k") };
    this.query = new Projection(channels, H * D);
    this.key = new Projection(channels, D, fewer);
    this.value = new Projection(channels, D, fewer);
    this.output = new Projection(H * D, channels);
    this.#H = H;
    this.#D = D;
  }

  forward(x: MxArray): MxArray {
    const [B = 1, H = 1, W = 1] = x.shape;
    const q = splitHeads(this.query.forward(x), B, H * W, this.#H); // [B, heads, N, D]
    const one = (layer: Projection): MxArray => {
      const y = layer.forward(x); // [B, S, D]
      return splitHeads(y, B, y.dim(1), 1);
    };
    const o = attention(q, one(this.key), one(this.value), { scale: this.#D ** -0.5 });
    const merged = reshape(mergeHeads(o, B, H * W), [B, H, W, -1]);
    return reshape(this.output.forward(merged), x.shape);
  }
}

class MobileAttention extends Block {
  norm: RMSNorm;
  attn: MultiQueryAttention;
  layer_scale: LayerScale;

  constructor(channels: number, spec: BlockSpec) {
    super();
    this.norm = new RMSNorm(channels, EPS);
    this.attn = new MultiQueryAttention(channels, spec);
    this.layer_scale = new LayerScale(channels);
  }

  forward(x: MxArray): MxArray {
    return add(x, this.layer_scale.forward(this.attn.forward(this.norm.forward(x))));
  }
}

const createBlock = (inputs: number, spec: BlockSpec): Block => {
  if (spec.kind === "er") return new EdgeResidual(inputs, spec);
  if (spec.kind === "uir") return new UniversalResidual(inputs, spec);
  if (spec.kind === "mqa") return new MobileAttention(inputs, spec);
  throw new ConfigError(`config.json: the vision tower has a block of unknown kind ${spec.kind}`);
};

/** Blocks that are alike but for the first one's stride and channels. */
const createBlocks = (inputs: number, text: string): Block[] => {
  const spec = readSpec(text);
  const later: BlockSpec = {
    kind: spec.kind,
    of: (letter, fallback) => (letter === "s" ? 1 : spec.of(letter, fallback)),
  };
  return Array.from({ length: spec.of("r") }, (_, i) =>
    i === 0 ? createBlock(inputs, spec) : createBlock(spec.of("c"), later),
  );
};

/** What the last two stages see, together. */
class Fusion extends Module {
  ffn: UniversalResidual;
  norm: RMSNorm;
  readonly #side: number;

  /** @param side - rows, and columns, of what it gives */
  constructor(inputs: number, outputs: number, side: number) {
    super();
    const spec = readSpec(`uir_a0_k0_s1_e2_c${outputs}`);
    this.ffn = new UniversalResidual(inputs, spec, { isScaled: false, skips: false });
    this.norm = new RMSNorm(outputs, EPS);
    this.#side = side;
  }

  /** `[B, H, W, C]` and `[B, H', W', C']` to `[B, side, side, E]` */
  forward(fine: MxArray, coarse: MxArray): MxArray {
    const alike = nearest(nearest(coarse, 1, fine.dim(1)), 2, fine.dim(2));
    const fused = this.ffn.forward(concatenate([fine, alike], -1));
    return this.norm.forward(this.#toSide(fused));
  }

  #toSide(x: MxArray): MxArray {
    const [B = 1, H = 1, W = 1, E = 1] = x.shape;
    const S = this.#side;
    if (H % S === 0 && W % S === 0) return mean(reshape(x, [B, S, H / S, S, W / S, E]), [2, 4]);
    // points side by side for all images at once
    const points = reshape(transpose(x, [1, 2, 0, 3]), [H, W, B * E]);
    return transpose(reshape(resizeGrid(points, S, S), [S, S, B, E]), [2, 0, 1, 3]);
  }
}

/** Each point of an axis as often as gives it `size` points. */
const nearest = (x: MxArray, axis: number, size: number): MxArray => {
  const from = x.dim(axis);
  if (from === size) return x;
  return take(x, floorDivide(arange(0, size).multiply(from), size), axis);
};

/** MobileNet V5 without its head. */
export class MobileNetTower extends Module {
  conv_stem: ConvNorm;
  blocks: Block[][];
  msfa: Fusion;

  /** @param side - rows, and columns, of what it gives */
  constructor({ hidden_size, model_args }: Config, side: number) {
    super();
    this.conv_stem = new ConvNorm(3, STEM, 3, { stride: 2, bias: true });
    const stages = model_args?.block_args ?? MOBILENET_V5_300M;
    let channels = STEM;
    const ends: number[] = [];
    this.blocks = stages.map((stage) => {
      const blocks = stage.flatMap((text) => {
        const alike = createBlocks(channels, text);
        channels = readSpec(text).of("c");
        return alike;
      });
      ends.push(channels);
      return blocks;
    });
    const [fine = 0, coarse = 0] = ends.slice(-2);
    this.msfa = new Fusion(fine + coarse, hidden_size, side);
  }

  /** `[B, C, H, W] -> [B, side, side, E]` */
  forward(pixels: MxArray): MxArray {
    let x = this.conv_stem.forward(transpose(pixels, [0, 2, 3, 1]));
    const seen = this.blocks.map((stage) => {
      x = stage.reduce((h, block) => block.forward(h), x);
      return x;
    });
    const [fine = x, coarse = x] = seen.slice(-2);
    return this.msfa.forward(fine, coarse);
  }
}
