"""Models for GGUF files: which case, what transformers calls it, and how repositories store it."""

from collections.abc import Callable
from dataclasses import dataclass, field

from cases import CASES, Case

Shape = tuple[int, ...]
# a pattern of mlx-lm's names, the repository's name, and its shape by mlx-lm's and the config; `{x}` counts the
# first axis, None leaves the tensor out
Rule = tuple[str, str | None, Callable[[Shape, dict], Shape] | None]


def same(shape: Shape, _: dict) -> Shape:
    return shape


def channels_first(shape: Shape, _: dict) -> Shape:
    """Convolutions as PyTorch has them."""
    return (shape[0], shape[2], shape[1])


def doubled(shape: Shape, _: dict) -> Shape:
    """A gate's rows and those of what it gates, in one tensor."""
    return (*shape[:-2], 2 * shape[-2], shape[-1])


def latent(shape: Shape, config: dict) -> Shape:
    """`kv_b_proj` of latent attention: keys without positions and values, by head."""
    heads, values, rank = shape
    return (heads * (config["qk_nope_head_dim"] + values), rank)


def fused_inputs_first(shape: Shape, _: dict) -> Shape:
    """Gates and what they gate of all experts in one tensor, inputs before outputs."""
    return (shape[0], shape[2], 2 * shape[1])


def swapped(shape: Shape, _: dict) -> Shape:
    return (*shape[:-2], shape[-1], shape[-2])


# what holds for every model
COMMON: list[Rule] = [
    (r"(switch_mlp|mlp\.experts)\.(gate|up|down)_proj(?=\.(weight|bias))", r"\1.{x}.\2_proj", None),
    (r"switch_mlp\.", "experts.", None),
    (r"(conv1d|conv\.conv)\.weight$", r"\1.weight", channels_first),
]
LETTERS: list[Rule] = [
    (r"switch_mlp\.gate_proj", "experts.{x}.w1", None),
    (r"switch_mlp\.down_proj", "experts.{x}.w2", None),
    (r"switch_mlp\.up_proj", "experts.{x}.w3", None),
]
LATENT: list[Rule] = [
    (r"embed_q\.weight", None, None),
    (r"unembed_out\.weight", "kv_b_proj.weight", latent),
]
FUSED: list[Rule] = [
    (r"switch_mlp\.gate_proj\.weight", None, None),
    (r"switch_mlp\.up_proj\.weight", "experts.gate_up_proj", doubled),
    (r"switch_mlp\.down_proj\.weight", "experts.down_proj", None),
]
FUSED_INPUTS_FIRST: list[Rule] = [
    (r"switch_mlp\.gate_proj\.weight", None, None),
    (r"switch_mlp\.up_proj\.weight", "experts.gate_up_proj", fused_inputs_first),
    (r"switch_mlp\.down_proj\.weight", "experts.down_proj", swapped),
]
LINEAR: list[Rule] = [
    (r"switch_mlp\.gate_proj", None, None),
    (r"switch_mlp\.up_proj", "input_linear", doubled),
    (r"switch_mlp\.down_proj", "output_linear", None),
]
LANGUAGE_MODEL: list[Rule] = [
    (r"^language_model\.model\.", "model.language_model.", None),
    (r"^language_model\.lm_head", "lm_head", None),
]
KIMI: list[Rule] = [
    (r"mlp\.switch_mlp\.gate_proj", "block_sparse_moe.experts.{x}.w1", None),
    (r"mlp\.switch_mlp\.down_proj", "block_sparse_moe.experts.{x}.w2", None),
    (r"mlp\.switch_mlp\.up_proj", "block_sparse_moe.experts.{x}.w3", None),
    (r"mlp\.shared_experts", "block_sparse_moe.shared_experts", None),
    (r"mlp\.gate\.", "block_sparse_moe.gate.", None),
    (r"mlp\.e_score_correction_bias", "block_sparse_moe.gate.e_score_correction_bias", None),
    (r"([qkv])_conv\.conv\.weight$", r"\1_conv1d.weight", None),
    (r"A_log$", "A_log", lambda shape, _: (1, 1, shape[-1] if len(shape) == 1 else int(max(shape)), 1)),
]
TRANSPOSED: list[Rule] = [
    (r"^model\.", "", None),
    (r"(c_attn|c_proj|c_fc)\.weight", r"\1.weight", swapped),
]
MXFP4: list[Rule] = [
    (r"experts\.gate_proj\.", None, None),
    (r"experts\.up_proj\.weight", "experts.gate_up_proj", doubled),
    (r"experts\.down_proj\.weight", "experts.down_proj", None),
    (r"experts\.up_proj\.bias", "experts.gate_up_proj_bias", lambda shape, _: (shape[0], 2 * shape[1])),
    (r"experts\.down_proj\.bias", "experts.down_proj_bias", None),
]
QWEN3_VL_MOE = {
    **next(c for c in CASES if c.file == "qwen3_vl_moe").config["text_config"],
    "mlp_only_layers": [],
}
QWEN35 = {**next(c for c in CASES if c.file == "qwen3_5").config["text_config"], "linear_value_head_dim": 32}
QWEN35_MOE = {
    **next(c for c in CASES if c.file == "qwen3_5_moe").config["text_config"],
    "linear_value_head_dim": 32,
}
LLAMA4 = {**next(c for c in CASES if c.file == "llama4").config["text_config"], "attention_chunk_size": 8192}
GEMMA3N = {
    **next(c for c in CASES if c.file == "gemma3n").config["text_config"],
    "altup_num_inputs": 4,
    "vocab_size_per_layer_input": 64,
    "altup_coef_clip": None,
}
LLAMA3 = {
    "rope_type": "llama3",
    "factor": 8.0,
    "low_freq_factor": 1.0,
    "high_freq_factor": 4.0,
    "original_max_position_embeddings": 8192,
}
GEMMA2 = {
    "attn_logit_softcapping": 50.0,
    "final_logit_softcapping": 30.0,
    "sliding_window": 4096,
    "max_position_embeddings": 128,
}


@dataclass(frozen=True)
class GgufCase:
    """One file: a case of mlx-lm as a repository that llama.cpp's converter reads."""

    name: str
    case: Case
    architecture: str  # of the repository's config.json
    rules: list[Rule] = field(default_factory=list)
    changes: dict = field(default_factory=dict)  # of the config
    repository: dict = field(default_factory=dict)  # keys of config.json that mlx-lm does not read
    plain: bool = False  # config.json as it is, where transformers would fill in another model's defaults


def row(
    name: str,
    case: str,
    architecture: str,
    rules: list[Rule] | None = None,
    changes: dict | None = None,
    plain: bool = False,
    **repository: object,
) -> GgufCase:
    file, _, case_name = case.partition("/")
    found = next(c for c in CASES if c.file == file and (not case_name or c.name == case_name))
    return GgufCase(name, found, architecture, rules or [], changes or {}, repository, plain)


def searched(heads_in_group: int | None, ffn_mult: float) -> dict:
    """A layer of a searched network."""
    return {
        "attention": {
            "n_heads_in_group": heads_in_group,
            "no_op": heads_in_group is None,
            "replace_with_linear": False,
        },
        "ffn": {"ffn_mult": ffn_mult, "no_op": False, "replace_with_linear": False},
    }


GGUF_CASES = [
    row("llama", "llama", "LlamaForCausalLM"),
    row(
        "llama-llama3",
        "llama",
        "LlamaForCausalLM",
        changes={
            "tie_word_embeddings": True,
            "attention_bias": True,
            "rope_theta": 500000.0,
            "rope_scaling": LLAMA3,
        },
    ),
    row("mixtral", "mixtral", "MixtralForCausalLM", LETTERS),
    row("ministral3", "ministral3", "Ministral3ForCausalLM", changes={"head_dim": 16}),
    row(
        "mistral4",
        "mistral4/within the trained length",
        "Mistral3ForConditionalGeneration",
        [*LATENT, *FUSED],
    ),
    row("smollm3", "smollm3", "SmolLM3ForCausalLM"),
    row(
        "apertus",
        "apertus",
        "ApertusForCausalLM",
        changes={"rope_theta": 500000.0, "rope_scaling": LLAMA3},
        hidden_act="xielu",
    ),
    row("iquestcoder", "llama", "IQuestCoderForCausalLM", changes={"model_type": "llama"}),
    row("qwen", "qwen", "QWenLMHeadModel", max_position_embeddings=128),
    row("qwen2", "qwen2", "Qwen2ForCausalLM", changes={"rope_theta": 10000.0}),
    row("qwen2moe", "qwen2_moe", "Qwen2MoeForCausalLM", changes={"rope_theta": 10000.0}),
    row("qwen2vl", "qwen2_vl", "Qwen2VLForConditionalGeneration"),
    row("qwen3", "qwen3", "Qwen3ForCausalLM"),
    row("qwen3moe", "qwen3_moe", "Qwen3MoeForCausalLM"),
    row("qwen3vl", "qwen3_vl", "Qwen3VLForConditionalGeneration"),
    row(
        "qwen3vlmoe",
        "qwen3_vl_moe",
        "Qwen3VLMoeForConditionalGeneration",
        [*FUSED_INPUTS_FIRST, *LANGUAGE_MODEL],
        changes={"text_config": QWEN3_VL_MOE},
    ),
    row("qwen3next", "qwen3_next", "Qwen3NextForCausalLM", changes={"linear_value_head_dim": 32}),
    row(
        "qwen35",
        "qwen3_5",
        "Qwen3_5ForConditionalGeneration",
        LANGUAGE_MODEL,
        changes={"text_config": QWEN35},
    ),
    row(
        "qwen35moe",
        "qwen3_5_moe",
        "Qwen3_5MoeForConditionalGeneration",
        [*FUSED, *LANGUAGE_MODEL],
        changes={"text_config": QWEN35_MOE},
    ),
    row("gemma", "gemma", "GemmaForCausalLM", max_position_embeddings=128),
    row("gemma2", "gemma2", "Gemma2ForCausalLM", **GEMMA2),
    row(
        "gemma3",
        "gemma3_text",
        "Gemma3ForCausalLM",
        changes={"sliding_window_pattern": 6, "num_hidden_layers": 7, "max_position_embeddings": 128},
    ),
    row("gemma3n", "gemma3n", "Gemma3nForConditionalGeneration", changes={"text_config": GEMMA3N}),
    row(
        "gemma4moe",
        "gemma4_text/experts, values are keys",
        "Gemma4ForCausalLM",
        [
            (r"switch_glu\.gate_proj\.weight", None, None),
            (r"switch_glu\.up_proj\.weight", "gate_up_proj", doubled),
            (r"switch_glu\.down_proj\.weight", "down_proj", None),
        ],
        changes={
            "final_logit_softcapping": 30.0,
            "use_double_wide_mlp": False,
            "layer_types": ["sliding_attention", "full_attention"] * 2,
        },
        hidden_size_per_layer_input=0,
    ),
    row(
        "gemma4",
        "gemma4_text",
        "Gemma4ForCausalLM",
        changes={
            "final_logit_softcapping": 30.0,
            "use_double_wide_mlp": True,
            "layer_types": ["sliding_attention", "full_attention"] * 2,
        },
    ),
    row("deepseek", "deepseek", "DeepseekForCausalLM"),
    row(
        "deepseek2",
        "deepseek_v2",
        "DeepseekV2ForCausalLM",
        LATENT,
        changes={
            "rope_scaling": {
                "type": "yarn",
                "factor": 16.0,
                "original_max_position_embeddings": 64,
                "beta_fast": 32,
                "beta_slow": 1,
                "mscale": 0.8,
                "mscale_all_dim": 0.8,
            }
        },
    ),
    row(
        "deepseek3",
        "deepseek_v3",
        "DeepseekV3ForCausalLM",
        LATENT,
        changes={
            "rope_scaling": {
                "type": "yarn",
                "factor": 16.0,
                "original_max_position_embeddings": 64,
                "beta_fast": 32,
                "beta_slow": 1,
                "mscale": 0.8,
                "mscale_all_dim": 0.8,
            },
            "rms_norm_eps": 1e-6,
        },
        scoring_func="sigmoid",
    ),
    row(
        "glm4moelite",
        "glm4_moe_lite",
        "Glm4MoeLiteForCausalLM",
        LATENT,
        changes={"first_k_dense_replace": 1},
        scoring_func="sigmoid",
    ),
    row(
        "kimi-linear",
        "kimi_linear",
        "KimiLinearForCausalLM",
        [*KIMI, *LATENT],
        changes={"num_key_value_heads": 4},
        scoring_func="sigmoid",
    ),
    row("youtu", "youtu_llm", "YoutuForCausalLM", LATENT),
    row(
        "gpt-oss",
        "gpt_oss",
        "GptOssForCausalLM",
        MXFP4,
        changes={
            "rope_scaling": {
                "rope_type": "yarn",
                "factor": 32.0,
                "original_max_position_embeddings": 4096,
                "beta_fast": 32.0,
                "beta_slow": 1.0,
                "truncate": False,
            }
        },
        quantization_config={"quant_method": "mxfp4"},
    ),
    row("granite", "granite", "GraniteForCausalLM"),
    row("granitemoe", "granitemoe", "GraniteMoeForCausalLM", LINEAR),
    row(
        "granitehybrid",
        "granitemoehybrid",
        "GraniteMoeHybridForCausalLM",
        [
            (r"mlp\.gate_proj", None, None),
            (r"mlp\.up_proj", "shared_mlp.input_linear", doubled),
            (r"mlp\.down_proj", "shared_mlp.output_linear", None),
        ],
        changes={"shared_intermediate_size": 128, "position_embedding_type": "nope"},
        plain=True,
        mamba_expand=2,
    ),
    row(
        "granitehybrid-moe",
        "granitemoehybrid/experts, no positions",
        "GraniteMoeHybridForCausalLM",
        LINEAR,
        mamba_expand=2,
    ),
    row("lfm2", "lfm2", "Lfm2ForCausalLM"),
    row(
        "lfm2moe",
        "lfm2_moe",
        "Lfm2MoeForCausalLM",
        LETTERS,
        layer_types=["conv", "full_attention", "conv", "full_attention"],
    ),
    row("glm4", "glm4", "Glm4ForCausalLM"),
    row("glm4moe", "glm4_moe", "Glm4MoeForCausalLM"),
    row("command-r", "cohere", "CohereForCausalLM", changes={"rope_theta": 10000.0}),
    row(
        "cohere2",
        "cohere2",
        "Cohere2ForCausalLM",
        changes={"sliding_window_pattern": 4, "num_hidden_layers": 5, "rope_theta": 10000.0},
        rotary_pct=1.0,
        max_position_embeddings=128,
    ),
    row("phi2", "phi", "PhiForCausalLM", changes={"num_key_value_heads": 4}),
    row("phi3", "phi3", "Phi3ForCausalLM"),
    row(
        "phimoe",
        "phimoe",
        "PhiMoEForCausalLM",
        LETTERS,
        changes={
            "router_jitter_noise": 0.01,
            "rope_theta": 10000.0,
            "rope_scaling": {
                "type": "longrope",
                "short_factor": [1.0] * 8,
                "long_factor": [1.0, 1.25, 1.5, 2.0, 3.0, 4.5, 6.0, 8.0],
                "short_mscale": 1.1832159566199232,
                "long_mscale": 1.1832159566199232,
            },
        },
        plain=True,
    ),
    row("starcoder", "gpt_bigcode", "GPTBigCodeForCausalLM"),
    row("starcoder2", "starcoder2", "Starcoder2ForCausalLM", changes={"rope_theta": 10000.0}),
    row("stablelm", "stablelm", "StableLmForCausalLM"),
    row("olmo2", "olmo2", "Olmo2ForCausalLM"),
    row("olmo3", "olmo3", "Olmo3ForCausalLM"),
    row("olmoe", "olmoe", "OlmoeForCausalLM", changes={"num_key_value_heads": 4}),
    row("exaone", "exaone", "ExaoneForCausalLM", activation_function="silu", max_position_embeddings=128),
    row("exaone4", "exaone4", "Exaone4ForCausalLM"),
    row("exaone-moe", "exaone_moe", "ExaoneMoEForCausalLM", scoring_func="sigmoid"),
    row("ernie4_5", "ernie4_5", "Ernie4_5ForCausalLM"),
    row("ernie4_5-moe", "ernie4_5_moe", "Ernie4_5_MoeForCausalLM"),
    row(
        "bailingmoe",
        "bailing_moe",
        "BailingMoeForCausalLM",
        [(r"gate\.gate_proj", "gate", None)],
        changes={"first_k_dense_replace": 0},
    ),
    row(
        "bailingmoe2",
        "bailing_moe/sigmoid gates, corrected, in groups",
        "BailingMoeV2ForCausalLM",
        [(r"gate\.gate_proj", "gate", None)],
        changes={"use_qk_norm": True, "partial_rotary_factor": 0.5},
    ),
    row("hunyuan-dense", "hunyuan_v1_dense", "HunYuanDenseV1ForCausalLM"),
    row(
        "hunyuan-moe",
        "hunyuan",
        "HunYuanMoEV1ForCausalLM",
        changes={
            "use_cla": False,
            "rope_scaling": {"type": "dynamic", "alpha": 1.0, "factor": 1.0},
            "moe_topk": [2] * 4,
            "num_shared_expert": [1] * 4,
            "moe_intermediate_size": [64] * 4,
        },
        rope_scaling=None,
        max_position_embeddings=128,
    ),
    row("seed_oss", "seed_oss", "SeedOssForCausalLM"),
    row("dots1", "dots1", "Dots1ForCausalLM"),
    row("nemotron", "nemotron", "NemotronForCausalLM"),
    row(
        "nemotron_h",
        "nemotron_h",
        "NemotronHForCausalLM",
        changes={"head_dim": 16},
        plain=True,
        mamba_d_conv=4,
        expand=2,
    ),
    row(
        "nemotron_h_moe",
        "nemotron_h/experts in groups, attention first",
        "NemotronHForCausalLM",
        [
            (r"switch_mlp\.fc1", "experts.{x}.up_proj", None),
            (r"switch_mlp\.fc2", "experts.{x}.down_proj", None),
        ],
        changes={"head_dim": 16, "num_hidden_layers": 4},
        plain=True,
        expand=2,
    ),
    row(
        "deci",
        "nemotron-nas",
        "DeciLMForCausalLM",
        changes={
            "intermediate_size": None,
            "rms_norm_eps": 1e-5,
            "max_position_embeddings": 128,
            "rope_theta": 10000.0,
            "num_hidden_layers": 3,
            "block_configs": [searched(2, 2.625), searched(None, 5.25), searched(1, 1.0)],
        },
    ),
    row("mamba", "mamba", "MambaForCausalLM", changes={"time_step_rank": 4}),
    row("mamba2", "mamba2", "Mamba2ForCausalLM"),
    row("jamba", "jamba", "JambaForCausalLM"),
    row(
        "falcon-h1",
        "falcon_h1",
        "FalconH1ForCausalLM",
        changes={
            "embedding_multiplier": 2.0,
            "lm_head_multiplier": 0.5,
            "attention_in_multiplier": 1.0,
            "attention_out_multiplier": 2.0,
            "key_multiplier": 1.0,
            "mlp_multipliers": [0.5, 2.0],
            "ssm_in_multiplier": 0.5,
            "ssm_out_multiplier": 2.0,
            "ssm_multipliers": [0.5, 2.0, 0.25, 1.5, 0.75],
            "rope_theta": 10000.0,
            "tie_word_embeddings": False,
        },
        mamba_expand=2,
    ),
    row(
        "minicpm",
        "minicpm",
        "MiniCPMForCausalLM",
        changes={"rope_theta": 10000.0},
        max_position_embeddings=128,
    ),
    row(
        "minicpm3",
        "minicpm3",
        "MiniCPM3ForCausalLM",
        changes={
            "rope_theta": 10000.0,
            "scale_emb": 12.0,
            "scale_depth": 1.4,
            "dim_model_base": 256,
            "max_position_embeddings": 64,
        },
    ),
    row(
        "internlm2", "internlm2", "InternLM2ForCausalLM", changes={"bias": False}, max_position_embeddings=128
    ),
    row("internlm3", "internlm3", "InternLM3ForCausalLM", changes={"head_dim": 16}),
    row("gpt2", "gpt2", "GPT2LMHeadModel", TRANSPOSED),
    row(
        "gptneox",
        "gpt_neox",
        "GPTNeoXForCausalLM",
        [
            (r"^model\.h\.", "gpt_neox.layers.", None),
            (r"^model\.embed_out", "embed_out", None),
            (r"^model\.", "gpt_neox.", None),
        ],
        plain=True,
        intermediate_size=256,
        use_parallel_residual=True,
    ),
    row("plamo3", "plamo3", "Plamo3ForCausalLM", max_position_embeddings=128),
    row("llama4", "llama4", "Llama4ForConditionalGeneration", changes={"text_config": LLAMA4}),
    row("openelm", "openelm", "OpenELMForCausalLM", max_context_length=128, rope_freq_constant=10000),
    row(
        "afmoe",
        "afmoe",
        "AfmoeForCausalLM",
        changes={
            "route_scale": 2.826,
            "num_shared_experts": 1,
            "route_norm": True,
            "score_func": "sigmoid",
            "layer_types": ["sliding_attention"] * 3 + ["full_attention"],
        },
    ),
    row(
        "laguna",
        "laguna",
        "LagunaForCausalLM",
        [(r"gate\.proj\.", "gate.", None), (r"gate\.e_score", "experts.e_score", None)],
        changes={"layer_types": ["full_attention"] + ["sliding_attention"] * 3},
    ),
    row("mellum", "mellum", "MellumForCausalLM"),
    row("minimax-m2", "minimax", "MiniMaxM2ForCausalLM", LETTERS),
    row("nanbeige", "nanbeige", "NanbeigeForCausalLM", max_position_embeddings=128),
    row("solar_open", "solar_open", "SolarOpenForCausalLM"),
    row(
        "spark2_5",
        "spark2_5",
        "Spark2_5ForCausalLM",
        changes={
            "rope_parameters": {
                "full_attention": {
                    "rope_theta": 100000.0,
                    "partial_rotary_factor": 0.5,
                    "rope_type": "default",
                },
                "sliding_attention": {
                    "rope_theta": 10000.0,
                    "partial_rotary_factor": 1.0,
                    "rope_type": "default",
                },
            },
            "layer_types": ["sliding_attention", "sliding_attention", "sliding_attention", "full_attention"],
        },
        gate_attn_act_mode="sigmoid",
        headwise_attn_output_gate=True,
        max_position_embeddings=128,
    ),
]
