/** Norms without weights, gains on heads and branches, and the embeddings added after every block. @see mlx-lm 0.32.2 models/talkie.py */
import { cachedAttention, splitHeads } from "../blocks/attention.ts";
import type { Mask } from "../blocks/mask.ts";
import { noRope, reversedRope } from "../blocks/rope.ts";
import type { LayerCache } from "../cache/index.ts";
import { add, type MxArray, matmul, multiply, ones, reshape, transpose, zeros } from "../core/index.ts";
import { BareRMSNorm, Embedding, Linear, Module, type PositionEmbedding, swiglu } from "../nn/index.ts";
import { defineArchitecture } from "./architecture.ts";
import { type Infer, int, number } from "./config.ts";
import { type ForwardOptions, LanguageModel, layerCache } from "./language-model.ts";
import { drop } from "./sanitize-rules.ts";

const config = {
  hidden_size: int.default(5120),
  num_hidden_layers: int.default(40),
  num_attention_heads: int.default(40),
  head_dim: int.default(128),
  intermediate_size: int.default(13696),
  vocab_size: int.default(65540),
  rope_theta: number.default(1000000),
  rms_norm_eps: number.default(2 ** -23), // the smallest step of float32 above 1
};
type Config = Infer<typeof config>;

/** A factor per head. Parameter: `head_g [H]`. */
class HeadGain extends Module {
  head_g: MxArray;

  constructor(heads: number) {
    super();
    this.head_g = ones([heads]);
  }

  /** `[B, H, L, D] -> [B, H, L, D]` */
  forward(x: MxArray): MxArray {
    return multiply(x, reshape(this.head_g.astype(x.dtype), [1, -1, 1, 1]));
  }
}

/** One factor for a branch. Parameter: `a_g [1]`. */
class BranchGain extends Module {
  a_g: MxArray = ones([1]);

  forward(x: MxArray): MxArray {
    return multiply(x, this.a_g.astype(x.dtype));
  }
}

/** One factor for the output layer. Parameter: `w_g [1]`. */
class WeightGain extends Module {
  w_g: MxArray = ones([1]);

  forward(x: MxArray): MxArray {
    return multiply(x, this.w_g.astype(x.dtype));
  }
}

class Attention extends Module {
  attn_query: Linear;
  attn_key: Linear;
  attn_value: Linear;
  attn_resid: Linear;
  head_gain: HeadGain;
  readonly #H: number;
  readonly #scale: number;
  readonly #rope: PositionEmbedding;
  readonly #norm: BareRMSNorm;

  constructor(c: Config) {
    super();
    const [E, HD] = [c.hidden_size, c.num_attention_heads * c.head_dim];
    this.attn_query = new Linear(E, HD, false);
    this.attn_key = new Linear(E, HD, false);
    this.attn_value = new Linear(E, HD, false);
    this.attn_resid = new Linear(HD, E, false);
    this.head_gain = new HeadGain(c.num_attention_heads);
    this.#H = c.num_attention_heads;
    this.#scale = c.head_dim ** -0.5;
    this.#rope = reversedRope(c.head_dim, c.rope_theta);
    this.#norm = new BareRMSNorm(c.rms_norm_eps);
  }

  forward(x: MxArray, mask: Mask, cache: LayerCache): MxArray {
    const [B = 1, L = 1] = x.shape;
    const heads = (layer: Linear) => splitHeads(layer.forward(x), B, L, this.#H); // [B, H, L, D]
    const turned = (layer: Linear) => this.#norm.forward(this.#rope.forward(heads(layer), cache.offset));
    const q = this.head_gain.forward(turned(this.attn_query)); // [B, H, L, D]
    const options = { rope: noRope, scale: this.#scale, mask, cache };
    const out = cachedAttention(q, turned(this.attn_key), heads(this.attn_value), options);
    return this.attn_resid.forward(out); // [B, L, E]
  }
}

class MLP extends Module {
  mlp_gate: Linear;
  mlp_linear: Linear;
  mlp_resid: Linear;

  constructor(c: Config) {
    super();
    this.mlp_gate = new Linear(c.hidden_size, c.intermediate_size, false);
    this.mlp_linear = new Linear(c.hidden_size, c.intermediate_size, false);
    this.mlp_resid = new Linear(c.intermediate_size, c.hidden_size, false);
  }

  forward(x: MxArray): MxArray {
    return this.mlp_resid.forward(swiglu(this.mlp_gate.forward(x), this.mlp_linear.forward(x))); // [B, L, E]
  }
}

class Block extends Module {
  attn: Attention;
  attn_gain: BranchGain;
  mlp: MLP;
  mlp_gain: BranchGain;
  embed_skip: BranchGain;
  readonly #norm: BareRMSNorm;

  constructor(c: Config) {
    super();
    this.attn = new Attention(c);
    this.attn_gain = new BranchGain();
    this.mlp = new MLP(c);
    this.mlp_gain = new BranchGain();
    this.embed_skip = new BranchGain();
    this.#norm = new BareRMSNorm(c.rms_norm_eps);
  }

  forward(x: MxArray, embedded: MxArray, mask: Mask, cache: LayerCache): MxArray {
    const h = add(x, this.attn_gain.forward(this.attn.forward(this.#norm.forward(x), mask, cache))); // [B, L, E]
    const fed = add(h, this.mlp_gain.forward(this.mlp.forward(this.#norm.forward(h))));
    return add(fed, this.embed_skip.forward(embedded));
  }
}

class TalkieDecoder extends Module {
  embed: Embedding;
  blocks: Block[];
  readonly #norm: BareRMSNorm;

  constructor(c: Config) {
    super();
    this.embed = new Embedding(c.vocab_size, c.hidden_size);
    this.blocks = Array.from({ length: c.num_hidden_layers }, () => new Block(c));
    this.#norm = new BareRMSNorm(c.rms_norm_eps);
  }

  /** `[B, L] -> [B, L, E]` */
  forward(tokens: MxArray, { cache, embeddings }: ForwardOptions = {}): MxArray {
    const embedded = this.#norm.forward(embeddings ?? this.embed.forward(tokens)); // [B, L, E]
    const mask = layerCache(cache, 0).makeMask(embedded.dim(1));
    const h = this.blocks.reduce(
      (x, block, i) => block.forward(x, embedded, mask, layerCache(cache, i)),
      embedded,
    );
    return this.#norm.forward(h);
  }
}

/** Its output layer is a bare matrix. Parameter: `lm_head [V, E]`. */
class TalkieModel extends LanguageModel {
  model: TalkieDecoder;
  lm_head: MxArray;
  lm_head_gain: WeightGain;

  constructor(c: Config) {
    super();
    this.model = new TalkieDecoder(c);
    this.lm_head = zeros([c.vocab_size, c.hidden_size]);
    this.lm_head_gain = new WeightGain();
  }

  forward(tokens: MxArray, options: ForwardOptions = {}): MxArray {
    return this.lm_head_gain.forward(matmul(this.model.forward(tokens, options), transpose(this.lm_head)));
  }

  get layers(): readonly Block[] {
    return this.model.blocks;
  }
}

export const architecture = defineArchitecture({
  config,
  create: (c) => new TalkieModel(c),
  sanitize: [drop(/rotary|cos$|sin$/)],
});
