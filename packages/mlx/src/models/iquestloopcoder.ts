/** Llama whose layers run twice; the second time a gate weighs all that the first saw against a window. @see mlx-lm 0.32.2 models/iquestloopcoder.py */
import { mergeHeads } from "../blocks/attention.ts";
import { CausalLM, Decoder } from "../blocks/causal-lm.ts";
import { GatedMLP } from "../blocks/gated-mlp.ts";
import type { Mask } from "../blocks/mask.ts";
import { rmsNorm } from "../blocks/norm.ts";
import { PreNormBlock } from "../blocks/pre-norm-block.ts";
import { createRope } from "../blocks/rope.ts";
import { SelfAttention } from "../blocks/self-attention.ts";
import { KVCache, type LayerCache, RotatingKVCache } from "../cache/index.ts";
import {
  add,
  expandDims,
  type MxArray,
  matmul,
  multiply,
  sigmoid,
  subtract,
  transpose,
  zeros,
} from "../core/index.ts";
import { ConfigError } from "../errors.ts";
import { Module } from "../nn/index.ts";
import { defineArchitecture } from "./architecture.ts";
import { dropTiedHead } from "./common-rules.ts";
import { bool, type Infer, int, number, oneOf, record } from "./config.ts";
import { type ForwardOptions, layerCache } from "./language-model.ts";

const config = {
  hidden_size: int.required(),
  num_hidden_layers: int.required(),
  intermediate_size: int.required(),
  num_attention_heads: int.required(),
  num_key_value_heads: int.required(),
  head_dim: int.required(),
  rms_norm_eps: number.required(),
  vocab_size: int.required(),
  max_position_embeddings: int.default(131072),
  attention_bias: bool.default(false),
  mlp_bias: bool.default(false),
  rope_theta: number.default(500000),
  rope_scaling: record.optional(),
  tie_word_embeddings: bool.default(false),
  loop_num: int.default(2),
  loop_window_size: int.default(64),
  hidden_act: oneOf("silu").optional(),
};
type Config = Infer<typeof config>;

/** Keys and values of all positions so far, `[B, K, S, D]`. */
type Memory = readonly [keys: MxArray, values: MxArray];

class Attention extends SelfAttention {
  constructor(c: Config) {
    const rope = createRope({
      dims: c.head_dim,
      base: c.rope_theta,
      scaling: c.rope_scaling,
      maxPositionEmbeddings: c.max_position_embeddings,
    });
    super(c, { rope, bias: c.attention_bias });
  }

  /** New queries `[B, H, L, D]`, and what there is to remember with the new positions. */
  look(x: MxArray, cache: LayerCache): [q: MxArray, memory: Memory] {
    const [B = 1, L = 1] = x.shape;
    const swapped = (heads: MxArray) => transpose(heads, [0, 2, 1, 3]); // [B, H, L, D]
    const [q, k] = this.turn(swapped(this.queries(x, B, L)), swapped(this.keys(x, B, L)), cache.offset);
    return [q, cache.updateAndFetch(k, swapped(this.values(x, B, L)))];
  }

  /** What queries find in a memory, `[B, H, L, D]`. */
  find(q: MxArray, [keys, values]: Memory, mask: Mask): MxArray {
    return this.attend(q, keys, values, mask);
  }

  /** `[B, H, L, D] -> [B, L, E]` */
  join(found: MxArray): MxArray {
    return this.o_proj.forward(mergeHeads(found, found.dim(0), found.dim(2)));
  }
}

/** How far a head looks back beyond the window. Parameters: `weight [H, D]`, `bias [H]`. */
class LoopGate extends Module {
  weight: MxArray;
  bias: MxArray;

  constructor(c: Config) {
    super();
    this.weight = zeros([c.num_attention_heads, c.head_dim]);
    this.bias = zeros([c.num_attention_heads]);
  }

  /** Queries `[B, H, L, D]` to `[B, H, L, 1]`. */
  forward(q: MxArray): MxArray {
    return sigmoid(matmul(q, expandDims(this.weight, -1)).add(expandDims(this.bias, [-1, -2])));
  }
}

class Block extends PreNormBlock {
  declare self_attn: Attention;

  constructor(c: Config) {
    const mlp = new GatedMLP(c.hidden_size, c.intermediate_size, { bias: c.mlp_bias });
    super(new Attention(c), mlp, () => rmsNorm(c));
  }

  /** The first time: as Llama's block, and what the second time looks at. */
  begin(x: MxArray, mask: Mask, cache: LayerCache): [h: MxArray, memory: Memory] {
    const [q, memory] = this.self_attn.look(this.input_layernorm.forward(x), cache);
    return [this.#finish(x, this.self_attn.find(q, memory, mask)), memory];
  }

  /** The second time: `gate * global + (1 - gate) * local`. */
  repeat(
    x: MxArray,
    first: Memory,
    gate: LoopGate,
    masks: { full: Mask; window: Mask },
    cache: LayerCache,
  ): MxArray {
    const [q, own] = this.self_attn.look(this.input_layernorm.forward(x), cache);
    const share = gate.forward(q); // [B, H, L, 1]
    const global = multiply(share, this.self_attn.find(q, first, masks.full));
    const local = multiply(subtract(1, share), this.self_attn.find(q, own, masks.window));
    return this.#finish(x, add(global, local));
  }

  #finish(x: MxArray, found: MxArray): MxArray {
    const h = add(x, this.self_attn.join(found)); // [B, L, E]
    return add(h, this.mlp.forward(this.post_attention_layernorm.forward(h)));
  }
}

class TwiceDecoder extends Decoder<Block> {
  gate_projections: LoopGate[];
  readonly #window: number;

  constructor(c: Config) {
    super(c, () => new Block(c), rmsNorm(c));
    this.gate_projections = this.layers.map(() => new LoopGate(c));
    this.#window = c.loop_window_size;
  }

  override forward(tokens: MxArray, { cache, embeddings }: ForwardOptions = {}): MxArray {
    const count = this.layers.length;
    const x = this.inputs(tokens, embeddings); // [B, L, E]
    const full = layerCache(cache, 0).makeMask(x.dim(1));
    const window = layerCache(cache, count).makeMask(x.dim(1), { window: this.#window });
    let h = x;
    const memories = this.layers.map((layer, i) => {
      const [next, memory] = layer.begin(h, full, layerCache(cache, i));
      h = next;
      return memory;
    });
    this.gate_projections.forEach((gate, i) => {
      const [layer, memory] = [this.layers[i], memories[i]];
      if (layer === undefined || memory === undefined) return;
      h = layer.repeat(h, memory, gate, { full, window }, layerCache(cache, count + i));
    });
    return this.norm.forward(h);
  }

  /** For the first time a layer runs, then for the second. */
  override makeCache(): LayerCache[] {
    return [
      ...this.layers.map(() => new KVCache()),
      ...this.layers.map(() => new RotatingKVCache(this.#window)),
    ];
  }
}

const create = (c: Config): CausalLM => {
  if (c.loop_num !== 2)
    throw new ConfigError(`config.json: expected 2 for loop_num but received ${c.loop_num}`);
  return new CausalLM(c, new TwiceDecoder(c));
};

export const architecture = defineArchitecture({ config, create, sanitize: [dropTiedHead] });
