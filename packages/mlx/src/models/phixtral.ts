/** Phi's parallel branches under names of their own, with a mixture of plain MLPs. @see mlx-lm 0.32.2 models/phixtral.py */
import { attention, mergeHeads, splitFusedHeads } from "../blocks/attention.ts";
import { topExperts } from "../blocks/experts.ts";
import type { Mask } from "../blocks/mask.ts";
import { createRope } from "../blocks/rope.ts";
import { SwitchMLP } from "../blocks/switch-mlp.ts";
import type { LayerCache } from "../cache/index.ts";
import { add, expandDims, float32, type MxArray, multiply, softmax, sum } from "../core/index.ts";
import { Embedding, LayerNorm, Linear, Module, type PositionEmbedding } from "../nn/index.ts";
import { defineArchitecture } from "./architecture.ts";
import { type Infer, int } from "./config.ts";
import { type ForwardOptions, LanguageModel, layerCache } from "./language-model.ts";
import { stackExperts } from "./sanitize-rules.ts";

const config = {
  num_vocab: int.default(51200),
  model_dim: int.default(2560),
  num_heads: int.default(32),
  num_layers: int.default(32),
  rotary_dim: int.default(32),
  num_experts_per_tok: int.default(2),
  num_local_experts: int.default(4),
  vocab_size: int.optional(), // num_vocab under another name
};
type Config = Infer<typeof config>;

class Attention extends Module {
  Wqkv: Linear;
  out_proj: Linear;
  readonly #H: number;
  readonly #rope: PositionEmbedding;

  constructor(c: Config) {
    super();
    this.Wqkv = new Linear(c.model_dim, 3 * c.model_dim);
    this.out_proj = new Linear(c.model_dim, c.model_dim);
    this.#H = c.num_heads;
    this.#rope = createRope({ dims: c.rotary_dim, base: 10000 });
  }

  forward(x: MxArray, mask: Mask, cache: LayerCache): MxArray {
    const [B = 1, L = 1] = x.shape;
    const [q, k, v] = splitFusedHeads(this.Wqkv.forward(x), this.#H, this.#H); // [B, H, L, D]
    const turned = this.#rope.forward(q, cache.offset).astype(float32); // scores of half precision models overflow
    const [keys, values] = cache.updateAndFetch(this.#rope.forward(k, cache.offset), v); // [B, H, S, D]
    const scale = Math.sqrt(1 / q.dim(-1));
    const out = attention(turned, keys, values, { scale, mask }).astype(values.dtype); // [B, H, L, D]
    return this.out_proj.forward(mergeHeads(out, B, L)); // [B, L, E]
  }
}

/** The best experts first, then a softmax over them. */
class Mixture extends Module {
  switch_mlp: SwitchMLP;
  gate: Linear;
  readonly #k: number;

  constructor(c: Config) {
    super();
    this.switch_mlp = new SwitchMLP(c.model_dim, 4 * c.model_dim, c.num_local_experts, { bias: true });
    this.gate = new Linear(c.model_dim, c.num_local_experts, false);
    this.#k = c.num_experts_per_tok;
  }

  forward(x: MxArray): MxArray {
    const [experts, chosen] = topExperts(this.gate.forward(x), this.#k); // [B, L, k]
    const scores = softmax(chosen, -1, true);
    return sum(multiply(this.switch_mlp.forward(x, experts), expandDims(scores, -1)), -2); // [B, L, E]
  }
}

class Block extends Module {
  mixer: Attention;
  ln: LayerNorm;
  moe: Mixture;

  constructor(c: Config) {
    super();
    this.mixer = new Attention(c);
    this.ln = new LayerNorm(c.model_dim);
    this.moe = new Mixture(c);
  }

  forward(x: MxArray, mask: Mask, cache: LayerCache): MxArray {
    const normed = this.ln.forward(x); // [B, L, E]
    return add(add(this.mixer.forward(normed, mask, cache), this.moe.forward(normed)), x);
  }
}

/** Checkpoints have the embedding one level down, at `embd.wte`. */
class TokenEmbedding extends Module {
  wte: Embedding;

  constructor(c: Config) {
    super();
    this.wte = new Embedding(c.num_vocab, c.model_dim);
  }
}

class PhixtralDecoder extends Module {
  embd: TokenEmbedding;
  h: Block[];

  constructor(c: Config) {
    super();
    this.embd = new TokenEmbedding(c);
    this.h = Array.from({ length: c.num_layers }, () => new Block(c));
  }

  /** `[B, L] -> [B, L, E]` */
  forward(tokens: MxArray, { cache, embeddings }: ForwardOptions = {}): MxArray {
    const x = embeddings ?? this.embd.wte.forward(tokens); // [B, L, E]
    const mask = layerCache(cache, 0).makeMask(x.dim(1));
    return this.h.reduce((h, block, i) => block.forward(h, mask, layerCache(cache, i)), x);
  }
}

class OutputHead extends Module {
  ln: LayerNorm;
  linear: Linear;

  constructor(c: Config) {
    super();
    this.ln = new LayerNorm(c.model_dim);
    this.linear = new Linear(c.model_dim, c.num_vocab);
  }

  forward(x: MxArray): MxArray {
    return this.linear.forward(this.ln.forward(x)); // [B, L, V]
  }
}

class PhixtralModel extends LanguageModel {
  transformer: PhixtralDecoder;
  lm_head: OutputHead;

  constructor(c: Config) {
    super();
    this.transformer = new PhixtralDecoder(c);
    this.lm_head = new OutputHead(c);
  }

  forward(tokens: MxArray, options: ForwardOptions = {}): MxArray {
    return this.lm_head.forward(this.transformer.forward(tokens, options));
  }

  get layers(): readonly Block[] {
    return this.transformer.h;
  }
}

export const architecture = defineArchitecture({
  config,
  create: (c) => new PhixtralModel(c),
  sanitize: [stackExperts(/moe\.mlp\.(?<expert>\d+)\.(?<layer>fc[12])\./, "moe.switch_mlp.$<layer>.")],
});
