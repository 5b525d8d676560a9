/**
 * Gemma 3 whose last layers take earlier keys and values, with inputs for each layer and experts beside the MLP.
 *
 * @see mlx-lm 0.32.2 models/gemma4_text.py
 */
import { BlockFrame, type BlockInputs } from "../blocks/decoder-frame.ts";
import { GatedCausalLM } from "../blocks/gated-causal-lm.ts";
import { layerInputs } from "../blocks/layer-inputs.ts";
import type { Mask } from "../blocks/mask.ts";
import { rmsNorm } from "../blocks/norm.ts";
import type { Remembered } from "../blocks/remembering-attention.ts";
import { type SlidingWindow, slidingCaches, slidingMasks, slidingWindow } from "../blocks/sliding-decoder.ts";
import type { LayerCache } from "../cache/index.ts";
import type { MxArray } from "../core/index.ts";
import * as mx from "../core/index.ts";
import { Embedding, Linear, RMSNorm } from "../nn/index.ts";
import { defineArchitecture } from "./architecture.ts";
import { firstShared, Gemma4Block, type Gemma4TextConfig, gemma4TextSchema } from "./gemma4-block.ts";
import { layerCache } from "./language-model.ts";
import { drop, dropLayersFrom, rename, splitInto } from "./sanitize-rules.ts";

class Gemma4Decoder extends BlockFrame<Gemma4Block> {
  embed_tokens: Embedding;
  layers: Gemma4Block[];
  norm: RMSNorm;
  declare embed_tokens_per_layer?: Embedding;
  declare per_layer_model_projection?: Linear;
  declare per_layer_projection_norm?: RMSNorm;
  readonly #c: Gemma4TextConfig;
  readonly #window: SlidingWindow;

  constructor(c: Gemma4TextConfig) {
    super();
    this.#c = c;
    this.#window = slidingWindow(c);
    this.embed_tokens = new Embedding(c.vocab_size, c.hidden_size);
    this.layers = this.#window.layers.map(
      (slides, i) => new Gemma4Block(c, i, { slides, onlyShares: i >= firstShared(c) }),
    );
    this.norm = rmsNorm(c);
    const { hidden_size_per_layer_input: P } = c;
    if (!P) return;
    this.embed_tokens_per_layer = new Embedding(c.vocab_size_per_layer_input, c.num_hidden_layers * P);
    this.per_layer_model_projection = new Linear(c.hidden_size, c.num_hidden_layers * P, false);
    this.per_layer_projection_norm = new RMSNorm(P, c.rms_norm_eps);
  }

  protected override inputs(tokens: MxArray, embeddings?: MxArray): MxArray {
    return super.inputs(tokens, embeddings).multiply(this.#c.hidden_size ** 0.5); // [B, L, E]
  }

  protected override masks(L: number, cache?: readonly LayerCache[]): (layer: number) => Mask {
    return slidingMasks(this.#window, L, cache);
  }

  protected override get areInseparable(): boolean {
    return this.#c.num_kv_shared_layers > 0 || this.embed_tokens_per_layer !== undefined;
  }

  /** Layers without a cache read that of the last of their type. */
  protected override cacheOf(layer: number, cache?: readonly LayerCache[]): LayerCache | undefined {
    const own = this.#window.layers.slice(0, firstShared(this.#c));
    const source = layer < own.length ? layer : own.lastIndexOf(this.#window.layers[layer] === true);
    return source < 0 ? undefined : layerCache(cache, source);
  }

  protected override finish(h: MxArray, count: number, { maskOf, cache, own }: BlockInputs): MxArray {
    const last: { sliding?: Remembered; full?: Remembered } = {};
    let done = h;
    this.layers.slice(count).forEach((layer, behind) => {
      const i = count + behind;
      const type = this.#window.layers[i] === true ? "sliding" : "full";
      const input = own && mx.index(own, "...", i, [0, own.dim(-1)]); // [B, L, P]
      const earlier = i < firstShared(this.#c) ? undefined : last[type];
      [done, last[type]] = layer.forward(done, maskOf(i), layerCache(cache, i), earlier, input);
    });
    return done;
  }

  /** Of the token, and of the scaled embeddings `h`. */
  protected override layerInputs(tokens: MxArray, h: MxArray): MxArray | undefined {
    const { hidden_size_per_layer_input: P, num_hidden_layers: N } = this.#c;
    const { embed_tokens_per_layer, per_layer_model_projection, per_layer_projection_norm } = this;
    if (!P || !embed_tokens_per_layer || !per_layer_model_projection || !per_layer_projection_norm) return;
    const source = { embed_tokens_per_layer, per_layer_model_projection, per_layer_projection_norm };
    return layerInputs(source, tokens, h, [N, P]);
  }

  get embedding(): Embedding {
    return this.embed_tokens;
  }

  get blocks(): readonly Gemma4Block[] {
    return this.layers;
  }

  protected get lastNorm(): RMSNorm {
    return this.norm;
  }

  /** Layers that take keys and values have no caches. */
  override makeCache(): LayerCache[] {
    return slidingCaches(this.#window).slice(0, firstShared(this.#c));
  }
}

class Gemma4Model extends GatedCausalLM<Gemma4Decoder> {
  readonly #cap: number | undefined;

  constructor(c: Gemma4TextConfig) {
    super(c, new Gemma4Decoder(c), "router.proj");
    this.#cap = c.final_logit_softcapping;
  }

  protected override logits(h: MxArray): MxArray {
    const logits = super.logits(h); // [B, L, V]
    return this.#cap === undefined ? logits : mx.fast.softcap(logits, this.#cap);
  }
}

export const architecture = defineArchitecture({
  config: gemma4TextSchema,
  create: (c) => new Gemma4Model(c),
  sanitize: [
    drop(/self_attn\.rotary_emb|(input|output)_(max|min)/),
    dropLayersFrom<Gemma4TextConfig>(firstShared, /layers\.(?<layer>\d+)\.self_attn\.(k_proj|v_proj|k_norm)/),
    splitInto(
      /experts\.gate_up_proj$/,
      ["gate", "up"].map((part) => `experts.switch_glu.${part}_proj.weight`),
      {
        axis: -2,
      },
    ),
    rename(/experts\.down_proj$/, "experts.switch_glu.down_proj.weight"),
  ],
});
