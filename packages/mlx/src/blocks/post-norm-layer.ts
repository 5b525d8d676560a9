/** BERT's block under its names: norms come after what they norm. */
import { add, type MxArray } from "../core/index.ts";
import { gelu, geluApprox, LayerNorm, Linear, Module, relu, silu } from "../nn/index.ts";
import type { Mask } from "./mask.ts";

const activations = { gelu, gelu_new: geluApprox, gelu_pytorch_tanh: geluApprox, relu, silu };

/** The activation between the two layers of a block, by transformers' names. */
export type PostNormActivation = keyof typeof activations;

/** The names that {@link PostNormLayer} knows. */
export const postNormActivations = Object.keys(activations) as readonly PostNormActivation[];

/** Keys of a config that these blocks read. */
export interface PostNormConfig {
  readonly hidden_size: number;
  readonly intermediate_size: number;
  readonly layer_norm_eps: number;
  readonly hidden_act: PostNormActivation;
}

/** Anything that mixes positions, residual and norm included: `[B, L, E] -> [B, L, E]`. */
interface PostNormMixer extends Module {
  forward(x: MxArray, mask: Mask): MxArray;
}

/** `LayerNorm(x + dense(branch))` */
export class PostNormOutput extends Module {
  dense: Linear;
  LayerNorm: LayerNorm;

  constructor(c: PostNormConfig, inputDims: number) {
    super();
    this.dense = new Linear(inputDims, c.hidden_size);
    this.LayerNorm = new LayerNorm(c.hidden_size, { eps: c.layer_norm_eps });
  }

  forward(branch: MxArray, x: MxArray): MxArray {
    return this.LayerNorm.forward(add(x, this.dense.forward(branch)));
  }
}

class Intermediate extends Module {
  dense: Linear;
  readonly #activation: (x: MxArray) => MxArray;

  constructor(c: PostNormConfig) {
    super();
    this.dense = new Linear(c.hidden_size, c.intermediate_size);
    this.#activation = activations[c.hidden_act];
  }

  forward(x: MxArray): MxArray {
    return this.#activation(this.dense.forward(x)); // [B, L, F]
  }
}

/** Attention, then two layers with an activation between. */
export class PostNormLayer extends Module {
  attention: PostNormMixer;
  intermediate: Intermediate;
  output: PostNormOutput;

  constructor(c: PostNormConfig, attention: PostNormMixer) {
    super();
    this.attention = attention;
    this.intermediate = new Intermediate(c);
    this.output = new PostNormOutput(c, c.intermediate_size);
  }

  forward(x: MxArray, mask: Mask): MxArray {
    const h = this.attention.forward(x, mask); // [B, L, E]
    return this.output.forward(this.intermediate.forward(h), h);
  }
}
