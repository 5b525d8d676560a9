"""Loads a Llama GGUF file into Python mlx-lm: float32 activations, quantized blocks as groups of 32."""

import re

import mlx.core as mx
import mlx.nn as nn
from mlx_lm.models import llama
from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers

GROUP_SIZE = 32  # of Q4_0, Q4_1 and Q8_0 blocks

BLOCK_NAMES = {
    "attn_norm": "input_layernorm",
    "attn_q": "self_attn.q_proj",
    "attn_k": "self_attn.k_proj",
    "attn_v": "self_attn.v_proj",
    "attn_output": "self_attn.o_proj",
    "ffn_norm": "post_attention_layernorm",
    "ffn_gate": "mlp.gate_proj",
    "ffn_up": "mlp.up_proj",
    "ffn_down": "mlp.down_proj",
}
NAMES = {"token_embd": "model.embed_tokens", "output_norm": "model.norm", "output": "lm_head"}


def parameter_name(name: str) -> str:
    """The mlx-lm path of a GGUF tensor: `blk.3.attn_q.scales` is `model.layers.3.self_attn.q_proj.scales`."""
    block = re.fullmatch(r"blk\.(\d+)\.(\w+)\.(\w+)", name)
    if block:
        return f"model.layers.{block[1]}.{BLOCK_NAMES[block[2]]}.{block[3]}"
    stem, leaf = name.rsplit(".", 1)
    return f"{NAMES[stem]}.{leaf}"


def read_config(metadata: dict, names: set[str]) -> dict:
    """The config.json that these GGUF metadata stand for."""
    assert metadata["general.architecture"] == "llama"

    def number(key: str) -> float:
        return metadata[f"llama.{key}"].item()

    return {
        "model_type": "llama",
        "hidden_size": number("embedding_length"),
        "num_hidden_layers": number("block_count"),
        "intermediate_size": number("feed_forward_length"),
        "num_attention_heads": number("attention.head_count"),
        "num_key_value_heads": number("attention.head_count_kv"),
        "rms_norm_eps": float(f"{number('attention.layer_norm_rms_epsilon'):.6g}"),  # stored as float32
        "vocab_size": number("vocab_size"),
        "max_position_embeddings": number("context_length"),
        "rope_theta": number("rope.freq_base"),
        "tie_word_embeddings": "output.weight" not in names,
    }


def unpermute(rows: mx.array, heads: int) -> mx.array:
    """Undoes llama.cpp's order of query and key rows, which puts rotary pairs next to each other."""
    count, *rest = rows.shape
    return rows.reshape(heads, count // heads // 2, 2, *rest).swapaxes(1, 2).reshape(count, *rest)


def load(path: str) -> tuple[nn.Module, dict, dict]:
    """(model, config, metadata) of a Llama GGUF file; every floating parameter is float32."""
    arrays, metadata = mx.load(path, format="gguf", return_metadata=True)
    config = read_config(metadata, set(arrays))
    weights = {}
    for name, value in arrays.items():
        if ".attn_q." in name:
            value = unpermute(value, config["num_attention_heads"])
        elif ".attn_k." in name:
            value = unpermute(value, config["num_key_value_heads"])
        if mx.issubdtype(value.dtype, mx.floating):
            value = value.astype(mx.float32)
        weights[parameter_name(name)] = value

    def quantization(path: str, module: nn.Module) -> bool | dict:
        scales = weights.get(f"{path}.scales")
        if scales is None:
            return False
        return {"group_size": GROUP_SIZE, "bits": weights[f"{path}.weight"].shape[-1] // scales.shape[-1]}

    model = llama.Model(llama.ModelArgs.from_dict(config))
    nn.quantize(model, class_predicate=quantization)
    model.load_weights(list(weights.items()), strict=True)
    model.eval()
    mx.eval(model.parameters())
    return model, config, metadata


def tokenizer(metadata: dict) -> Tokenizer:
    """The byte-level BPE tokenizer in SmolLM2's metadata: digits apart, then GPT-2's rules."""
    assert metadata["tokenizer.ggml.model"] == "gpt2" and metadata["tokenizer.ggml.pre"] == "smollm"
    tokens = metadata["tokenizer.ggml.tokens"]
    merges = [tuple(merge.split(" ")) for merge in metadata["tokenizer.ggml.merges"]]
    result = Tokenizer(models.BPE({token: index for index, token in enumerate(tokens)}, merges))
    result.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.Digits(individual_digits=True), pre_tokenizers.ByteLevel(add_prefix_space=False)]
    )
    result.decoder = decoders.ByteLevel()
    types = metadata["tokenizer.ggml.token_type"].tolist()
    result.add_special_tokens(
        [AddedToken(t, special=True) for t, kind in zip(tokens, types, strict=True) if kind == 3]
    )
    return result
