/** How GGUF names and stores the parameters of one architecture. */
export interface GgufArchitecture {
  /** `model_type` of the Hugging Face config. */
  modelType: string;
  /** GGUF stem, `blk.N.` taken off, to Hugging Face module, `model.layers.N.` taken off. */
  block: Readonly<Record<string, string>>;
  /** llama.cpp's converter reorders the rows of q and k for interleaved rotary embeddings. */
  hasPermutedHeads?: boolean;
  /** llama.cpp's converter adds 1 to norm weights, which the model adds at run time. */
  hasShiftedNorms?: boolean;
}

/** Stems outside the blocks, the same everywhere. */
export const TOP_LEVEL: Readonly<Record<string, string>> = {
  token_embd: "model.embed_tokens",
  output_norm: "model.norm",
  output: "lm_head",
};

/** Tensors that describe rotary frequencies; they become `rope_scaling` in the config, not parameters. */
export const ROPE_TENSORS: ReadonlySet<string> = new Set([
  "rope_freqs",
  "rope_factors_long",
  "rope_factors_short",
  "attn_rot_embd",
]);

const LLAMA_BLOCK = {
  attn_norm: "input_layernorm",
  attn_q: "self_attn.q_proj",
  attn_k: "self_attn.k_proj",
  attn_v: "self_attn.v_proj",
  attn_output: "self_attn.o_proj",
  ffn_norm: "post_attention_layernorm",
  ffn_gate: "mlp.gate_proj",
  ffn_up: "mlp.up_proj",
  ffn_down: "mlp.down_proj",
};

/** By `general.architecture`. Mistral and SmolLM2 files say `llama`. */
export const GGUF_ARCHITECTURES: ReadonlyMap<string, GgufArchitecture> = new Map([
  ["llama", { modelType: "llama", block: LLAMA_BLOCK, hasPermutedHeads: true }],
  ["smollm3", { modelType: "smollm3", block: LLAMA_BLOCK, hasPermutedHeads: true }],
  ["qwen2", { modelType: "qwen2", block: LLAMA_BLOCK }],
  [
    "qwen3",
    {
      modelType: "qwen3",
      block: { ...LLAMA_BLOCK, attn_q_norm: "self_attn.q_norm", attn_k_norm: "self_attn.k_norm" },
    },
  ],
  [
    "gemma2",
    {
      modelType: "gemma2",
      block: {
        ...LLAMA_BLOCK,
        post_attention_norm: "post_attention_layernorm",
        ffn_norm: "pre_feedforward_layernorm",
        post_ffw_norm: "post_feedforward_layernorm",
      },
      hasShiftedNorms: true,
    },
  ],
  [
    "phi3",
    {
      modelType: "phi3",
      block: {
        attn_norm: "input_layernorm",
        attn_qkv: "self_attn.qkv_proj",
        attn_output: "self_attn.o_proj",
        ffn_norm: "post_attention_layernorm",
        ffn_up: "mlp.gate_up_proj",
        ffn_down: "mlp.down_proj",
      },
    },
  ],
]);
