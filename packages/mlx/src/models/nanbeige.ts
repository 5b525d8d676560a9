/** Llama whose layers are applied several times, each time with caches of their own. @see mlx-lm 0.32.2 models/nanbeige.py */
import { CausalLM, Decoder } from "../blocks/causal-lm.ts";
import { rmsNorm } from "../blocks/norm.ts";
import type { PreNormBlock } from "../blocks/pre-norm-block.ts";
import { KVCache, type LayerCache } from "../cache/index.ts";
import type { MxArray } from "../core/index.ts";
import { defineArchitecture } from "./architecture.ts";
import { dropRotaryTables, dropTiedHead } from "./common-rules.ts";
import { bool, type Infer, int, list, number, oneOf, record } from "./config.ts";
import { type ForwardOptions, layerCache } from "./language-model.ts";
import { llamaRope, makeBlock } from "./llama.ts";

const config = {
  hidden_size: int.required(),
  num_hidden_layers: int.required(),
  intermediate_size: int.required(),
  num_attention_heads: int.required(),
  num_key_value_heads: int.required(),
  head_dim: int.optional(),
  rms_norm_eps: number.required(),
  vocab_size: int.required(),
  max_position_embeddings: int.optional(),
  rope_theta: number.default(10000),
  rope_scaling: record.optional(),
  attention_bias: bool.default(false),
  mlp_bias: bool.default(false),
  tie_word_embeddings: bool.default(false),
  num_loops: int.default(1),
  /** One per loop after the first, where training weighed them. */
  loop_loss_weights: list(number.required()).optional(),
  skip_loop_final_norm: bool.default(false),
  enable_double_loop_split: oneOf(false).optional(),
  loop_share_kv: oneOf(false).optional(),
  enable_depth_attention: oneOf(false).optional(),
  hidden_act: oneOf("silu").optional(),
};
type Config = Infer<typeof config>;

class LoopedDecoder extends Decoder<PreNormBlock> {
  readonly #loops: number;
  readonly #normsOnce: boolean;

  constructor(c: Config) {
    const llama = { ...c, rope_traditional: false, layer_types: undefined, sliding_window: undefined };
    super(c, () => makeBlock(llama, llamaRope(llama)), rmsNorm(c));
    this.#loops = c.loop_loss_weights?.length ? c.loop_loss_weights.length + 1 : c.num_loops;
    this.#normsOnce = c.skip_loop_final_norm;
  }

  override forward(tokens: MxArray, { cache, embeddings }: ForwardOptions = {}): MxArray {
    let h = this.inputs(tokens, embeddings); // [B, L, E]
    const mask = layerCache(cache, 0).makeMask(h.dim(1));
    for (let loop = 0; loop < this.#loops; loop++) {
      this.layers.forEach((layer, i) => {
        h = layer.forward(h, mask, layerCache(cache, loop * this.layers.length + i));
      });
      if (!this.#normsOnce || loop === this.#loops - 1) h = this.norm.forward(h);
    }
    return h;
  }

  override makeCache(): LayerCache[] {
    return Array.from({ length: this.#loops * this.layers.length }, () => new KVCache());
  }
}

export const architecture = defineArchitecture({
  config,
  create: (c) => new CausalLM(c, new LoopedDecoder(c)),
  sanitize: [dropRotaryTables, dropTiedHead],
});
