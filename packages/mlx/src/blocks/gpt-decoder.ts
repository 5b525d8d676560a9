/** GPT-2's names: `wte`, `h`, `ln_f`; in a block `ln_1`, `attn`, `ln_2`, `mlp`; in its MLP `c_fc`, `c_proj`. */
import type { LayerCache } from "../cache/index.ts";
import { add, type MxArray } from "../core/index.ts";
import { Embedding, Linear, Module } from "../nn/index.ts";
import { type DecoderBlock, DecoderFrame } from "./decoder-frame.ts";
import type { Mask } from "./mask.ts";
import type { Norm } from "./norm.ts";
import type { FeedForward, Mixer } from "./pre-norm-block.ts";

/** Options of `GptMLP`. */
export interface GptMLPOptions {
  activation: (x: MxArray) => MxArray;
  /** Default true. */
  bias?: boolean;
}

/** `c_proj(activation(c_fc(x)))`, `[..., E] -> [..., E]` over `F` features. */
export class GptMLP extends Module {
  c_fc: Linear;
  c_proj: Linear;
  readonly #activation: (x: MxArray) => MxArray;

  constructor(dims: number, hiddenDims: number, { activation, bias = true }: GptMLPOptions) {
    super();
    this.c_fc = new Linear(dims, hiddenDims, bias);
    this.c_proj = new Linear(hiddenDims, dims, bias);
    this.#activation = activation;
  }

  forward(x: MxArray): MxArray {
    return this.c_proj.forward(this.#activation(this.c_fc.forward(x)));
  }
}

/** Llama's block under GPT-2's names. */
export class GptBlock extends Module {
  ln_1: Norm;
  attn: Mixer;
  ln_2: Norm;
  mlp: FeedForward;

  constructor(attn: Mixer, mlp: FeedForward, makeNorm: () => Norm) {
    super();
    this.ln_1 = makeNorm();
    this.attn = attn;
    this.ln_2 = makeNorm();
    this.mlp = mlp;
  }

  forward(x: MxArray, mask: Mask, cache: LayerCache): MxArray {
    const h = add(x, this.attn.forward(this.ln_1.forward(x), mask, cache)); // [B, L, E]
    return add(h, this.mlp.forward(this.ln_2.forward(h))); // [B, L, E]
  }
}

/** Keys of a config that `GptDecoder` reads. */
export interface GptDecoderConfig {
  readonly vocab_size: number;
  readonly n_embd: number;
  readonly n_layer: number;
}

/** A decoder under GPT-2's names. */
export class GptDecoder extends DecoderFrame {
  wte: Embedding;
  h: DecoderBlock[];
  ln_f: Norm;

  constructor(c: GptDecoderConfig, makeBlock: (layer: number) => DecoderBlock, norm: Norm) {
    super();
    this.wte = new Embedding(c.vocab_size, c.n_embd);
    this.h = Array.from({ length: c.n_layer }, (_, i) => makeBlock(i));
    this.ln_f = norm;
  }

  get embedding(): Embedding {
    return this.wte;
  }

  get blocks(): readonly DecoderBlock[] {
    return this.h;
  }

  protected get lastNorm(): Norm {
    return this.ln_f;
  }
}
