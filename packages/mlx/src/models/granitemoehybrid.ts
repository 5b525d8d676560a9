/** Granite 4: Granite with Mamba 2 in most layers, dense or with experts. @see mlx-lm 0.32.2 models/granitemoehybrid.py */
import type { BlockCall } from "../blocks/block-parts.ts";
import { throughBlock } from "../blocks/fused-block.ts";
import { GatedCausalLM } from "../blocks/gated-causal-lm.ts";
import { type DenseParts, GatedMLP } from "../blocks/gated-mlp.ts";
import { HybridDecoder } from "../blocks/hybrid-decoder.ts";
import { Mamba2Mixer, NormOfGated } from "../blocks/mamba2-mixer.ts";
import type { Mask } from "../blocks/mask.ts";
import type { MixtureParts } from "../blocks/mixture-parts.ts";
import { type Norm, rmsNorm } from "../blocks/norm.ts";
import type { Mixer } from "../blocks/pre-norm-block.ts";
import { createRope, noRope } from "../blocks/rope.ts";
import { joinScaled } from "../blocks/scaled-residual-block.ts";
import { headDim, SelfAttention } from "../blocks/self-attention.ts";
import type { LayerCache } from "../cache/index.ts";
import { add, type MxArray, split } from "../core/index.ts";
import { ConfigError } from "../errors.ts";
import { Linear, Module, swiglu } from "../nn/index.ts";
import { defineArchitecture } from "./architecture.ts";
import { dropTiedHead, moveConvChannels } from "./common-rules.ts";
import { bool, bound, type Infer, int, list, number, oneOf, string } from "./config.ts";
import { SparseMoe } from "./granitemoe.ts";
import { rename, splitInto } from "./sanitize-rules.ts";

const config = {
  vocab_size: int.required(),
  hidden_size: int.required(),
  intermediate_size: int.required(),
  num_hidden_layers: int.required(),
  max_position_embeddings: int.required(),
  num_attention_heads: int.required(),
  num_key_value_heads: int.required(),
  attention_bias: bool.required(),
  embedding_multiplier: number.required(),
  attention_multiplier: number.required(),
  logits_scaling: number.required(),
  residual_multiplier: number.required(),
  layer_types: list(oneOf("mamba", "attention").required()).required(),
  rms_norm_eps: number.required(),
  num_local_experts: int.default(0),
  num_experts_per_tok: int.optional(),
  shared_intermediate_size: int.optional(),
  mamba_n_heads: int.optional(),
  mamba_d_head: int.optional(),
  mamba_proj_bias: bool.default(false),
  mamba_d_state: int.optional(),
  mamba_d_conv: int.optional(),
  mamba_n_groups: int.optional(),
  mamba_conv_bias: bool.default(false),
  mlp_bias: bool.default(false),
  position_embedding_type: string.default("rope"),
  tie_word_embeddings: bool.default(true),
  time_step_limit: list(bound.required()).default([0.001, 100]),
  rope_theta: number.default(10000),
  hidden_act: oneOf("silu").optional(),
  init_method: string.optional(),
  mamba_chunk_size: int.optional(),
  mamba_expand: number.optional(), // heads and their sizes say it
  normalization_function: oneOf("rmsnorm").optional(),
};
type Config = Infer<typeof config>;

const needs = (key: string): never => {
  throw new ConfigError(`config.json: the key ${key} is missing`, { details: { key } });
};

const usesExperts = (c: Config): boolean => c.num_local_experts > 0;

const makeMamba = (c: Config): Mamba2Mixer => {
  const heads = c.mamba_n_heads ?? needs("mamba_n_heads");
  const headDim = c.mamba_d_head ?? needs("mamba_d_head");
  const sizes = {
    hiddenSize: c.hidden_size,
    heads,
    headDim,
    stateSize: c.mamba_d_state ?? needs("mamba_d_state"),
    groups: c.mamba_n_groups ?? needs("mamba_n_groups"),
    kernelSize: c.mamba_d_conv ?? needs("mamba_d_conv"),
    convBias: c.mamba_conv_bias,
    bias: c.mamba_proj_bias,
    timeStepLimit: c.time_step_limit,
  };
  return new Mamba2Mixer(sizes, new NormOfGated(heads * headDim, c.rms_norm_eps));
};

const makeAttention = (c: Config): SelfAttention => {
  const rope =
    c.position_embedding_type === "nope" ? noRope : createRope({ dims: headDim(c), base: c.rope_theta });
  return new SelfAttention(c, { rope, scale: c.attention_multiplier, bias: c.attention_bias });
};

/** The expert that every position asks. */
class SharedMLP extends Module {
  input_linear: Linear;
  output_linear: Linear;

  constructor(c: Config) {
    super();
    const F = c.shared_intermediate_size ?? needs("shared_intermediate_size");
    this.input_linear = new Linear(c.hidden_size, 2 * F, false);
    this.output_linear = new Linear(F, c.hidden_size, false);
  }

  get parts(): DenseParts {
    return { layers: [this.input_linear, this.output_linear], join: swiglu };
  }

  forward(x: MxArray): MxArray {
    const [gate = x, up = x] = split(this.input_linear.forward(x), 2, -1); // [B, L, F]
    return this.output_linear.forward(swiglu(gate, up)); // [B, L, E]
  }
}

class Block extends Module {
  declare mamba?: Mamba2Mixer;
  declare self_attn?: SelfAttention;
  declare mlp?: GatedMLP;
  declare block_sparse_moe?: SparseMoe;
  declare shared_mlp?: SharedMLP;
  input_layernorm: Norm;
  post_attention_layernorm: Norm;
  readonly residualScale: number;
  readonly #mixer: Mixer;

  constructor(c: Config, layer: number) {
    super();
    if (isRecurrent(c, layer)) this.#mixer = this.mamba = makeMamba(c);
    else this.#mixer = this.self_attn = makeAttention(c);
    if (usesExperts(c)) {
      const k = c.num_experts_per_tok ?? needs("num_experts_per_tok");
      this.block_sparse_moe = new SparseMoe({ ...c, num_experts_per_tok: k });
      this.shared_mlp = new SharedMLP(c);
    } else {
      this.mlp = new GatedMLP(c.hidden_size, c.intermediate_size, { bias: c.mlp_bias });
    }
    this.input_layernorm = rmsNorm(c);
    this.post_attention_layernorm = rmsNorm(c);
    this.residualScale = c.residual_multiplier;
  }

  /** Instead of an MLP. */
  get mixture(): MixtureParts | undefined {
    const shared = this.shared_mlp?.parts;
    return this.block_sparse_moe && { ...this.block_sparse_moe.mixture, shared };
  }

  /** This block among others that may be one operation. */
  call(mask: Mask, cache: LayerCache): BlockCall {
    return { block: this, mask, cache };
  }

  forward(x: MxArray, mask: Mask, cache: LayerCache): MxArray {
    return throughBlock(x, this.call(mask, cache), {
      mix: () => this.#mixer.forward(this.input_layernorm.forward(x), mask, cache),
      feed: (h) => this.#feed(this.post_attention_layernorm.forward(h)),
      join: joinScaled(this.residualScale),
    });
  }

  /** `[B, L, E] -> [B, L, E]` */
  #feed(x: MxArray): MxArray {
    const answer = this.block_sparse_moe?.forward(x) ?? this.mlp?.forward(x) ?? x;
    return this.shared_mlp === undefined ? answer : add(answer, this.shared_mlp.forward(x));
  }
}

const isRecurrent = (c: Config, layer: number): boolean => c.layer_types[layer] === "mamba";

class GraniteHybridDecoder extends HybridDecoder<Block> {
  readonly #scale: number;

  constructor(c: Config) {
    const layers = c.layer_types.map((_, i) => isRecurrent(c, i));
    const sizes = { ...c, num_hidden_layers: layers.length };
    super(sizes, (layer) => new Block(c, layer), rmsNorm(c), { layers, slots: 2 });
    this.#scale = c.embedding_multiplier;
  }

  protected override inputs(tokens: MxArray, embeddings?: MxArray): MxArray {
    return super.inputs(tokens, embeddings).multiply(this.#scale);
  }
}

class GraniteHybridModel extends GatedCausalLM<GraniteHybridDecoder> {
  readonly #divisor: number;

  constructor(c: Config) {
    super(c, new GraniteHybridDecoder(c), "router.layer");
    this.#divisor = c.logits_scaling;
  }

  protected override logits(h: MxArray): MxArray {
    return super.logits(h).divide(this.#divisor);
  }
}

export const architecture = defineArchitecture({
  config,
  create: (c) => new GraniteHybridModel(c),
  sanitize: [
    moveConvChannels,
    splitInto(/moe\.input_linear\./, ["moe.switch_mlp.gate_proj.", "moe.switch_mlp.up_proj."], { axis: 1 }),
    rename(/moe\.output_linear\./, "moe.switch_mlp.down_proj."),
    splitInto(/shared_mlp\.input_linear\./, ["mlp.gate_proj.", "mlp.up_proj."], {
      when: (_, c: Config) => !usesExperts(c),
    }),
    rename(/shared_mlp\.output_linear\./, "mlp.down_proj.", (c: Config) => !usesExperts(c)),
    dropTiedHead,
  ],
});
