"""LLaVA 1.5 in JAX: a CLIP tower, two linear layers and a Llama, with the parameter names of a checkpoint."""

import math

import jax
import jax.numpy as jnp
import numpy as np

from tokenizer import EOS, IMAGE, PAD

Params = dict[str, jax.Array]

VISION = {
    "model_type": "clip_vision_model",
    "hidden_size": 96,
    "intermediate_size": 256,
    "num_hidden_layers": 4,  # the last one's output is not used
    "num_attention_heads": 4,
    "image_size": 56,
    "patch_size": 8,
    "num_channels": 3,
    "projection_dim": 96,
    "layer_norm_eps": 1e-5,
    "hidden_act": "quick_gelu",
}
TEXT = {
    "model_type": "llama",
    "hidden_size": 96,
    "intermediate_size": 256,
    "num_hidden_layers": 3,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "rms_norm_eps": 1e-5,
    "rope_theta": 10000.0,
    "max_position_embeddings": 1024,
    "tie_word_embeddings": False,
    "hidden_act": "silu",
}
PATCHES = (VISION["image_size"] // VISION["patch_size"]) ** 2


def make_config(vocabulary: dict[str, int]) -> dict:
    return {
        "architectures": ["LlavaForConditionalGeneration"],
        "model_type": "llava",
        "image_token_index": vocabulary[IMAGE],
        "image_seq_length": PATCHES,
        "vision_feature_layer": -2,
        "vision_feature_select_strategy": "default",
        "projector_hidden_act": "gelu",
        "ignore_index": -100,
        "vocab_size": len(vocabulary),
        "eos_token_id": vocabulary[EOS],
        "pad_token_id": vocabulary[PAD],
        "tie_word_embeddings": False,
        "text_config": {**TEXT, "vocab_size": len(vocabulary)},
        "vision_config": VISION,
    }


def init_params(seed: int, vocab_size: int) -> Params:
    """Fresh float32 parameters; convolution weights are `[out, height, width, in]`."""
    rng = np.random.default_rng(seed)
    params: Params = {}

    def add(name: str, *shape: int, deviation: float | None = None) -> None:
        deviation = 1 / math.sqrt(shape[-1]) if deviation is None else deviation
        params[name] = jnp.asarray(rng.normal(0, deviation, shape), jnp.float32)

    def add_linear(name: str, rows: int, columns: int, bias: bool) -> None:
        add(f"{name}.weight", rows, columns)
        if bias:
            params[f"{name}.bias"] = jnp.zeros(rows)

    def add_layer_norm(name: str, size: int) -> None:
        params[f"{name}.weight"], params[f"{name}.bias"] = jnp.ones(size), jnp.zeros(size)

    size, patch = VISION["hidden_size"], VISION["patch_size"]
    tower = "vision_tower.vision_model"
    add(f"{tower}.embeddings.class_embedding", size, deviation=0.02)
    add(
        f"{tower}.embeddings.patch_embedding.weight",
        size,
        patch,
        patch,
        3,
        deviation=1 / (patch * math.sqrt(3)),
    )
    add(f"{tower}.embeddings.position_embedding.weight", PATCHES + 1, size, deviation=0.2)
    add_layer_norm(f"{tower}.pre_layrnorm", size)
    add_layer_norm(f"{tower}.post_layernorm", size)
    for i in range(VISION["num_hidden_layers"]):
        layer = f"{tower}.encoder.layers.{i}"
        for name in ("q_proj", "k_proj", "v_proj", "out_proj"):
            add_linear(f"{layer}.self_attn.{name}", size, size, bias=True)
        add_linear(f"{layer}.mlp.fc1", VISION["intermediate_size"], size, bias=True)
        add_linear(f"{layer}.mlp.fc2", size, VISION["intermediate_size"], bias=True)
        add_layer_norm(f"{layer}.layer_norm1", size)
        add_layer_norm(f"{layer}.layer_norm2", size)

    hidden = TEXT["hidden_size"]
    add_linear("multi_modal_projector.linear_1", hidden, size, bias=True)
    add_linear("multi_modal_projector.linear_2", hidden, hidden, bias=True)

    add("language_model.model.embed_tokens.weight", vocab_size, hidden, deviation=1.0)
    keys = hidden * TEXT["num_key_value_heads"] // TEXT["num_attention_heads"]
    for i in range(TEXT["num_hidden_layers"]):
        layer = f"language_model.model.layers.{i}"
        for name, rows in (("q_proj", hidden), ("k_proj", keys), ("v_proj", keys), ("o_proj", hidden)):
            add_linear(f"{layer}.self_attn.{name}", rows, hidden, bias=False)
        for name in ("gate_proj", "up_proj"):
            add_linear(f"{layer}.mlp.{name}", TEXT["intermediate_size"], hidden, bias=False)
        add_linear(f"{layer}.mlp.down_proj", hidden, TEXT["intermediate_size"], bias=False)
        params[f"{layer}.input_layernorm.weight"] = jnp.ones(hidden)
        params[f"{layer}.post_attention_layernorm.weight"] = jnp.ones(hidden)
    params["language_model.model.norm.weight"] = jnp.ones(hidden)
    add("language_model.lm_head.weight", vocab_size, hidden)
    return params


def _linear(params: Params, name: str, x: jax.Array) -> jax.Array:
    y = x @ params[f"{name}.weight"].T
    return y + params[f"{name}.bias"] if f"{name}.bias" in params else y


def _layer_norm(params: Params, name: str, x: jax.Array) -> jax.Array:
    centred = x - x.mean(-1, keepdims=True)
    scale = jax.lax.rsqrt((centred**2).mean(-1, keepdims=True) + 1e-5)
    return centred * scale * params[f"{name}.weight"] + params[f"{name}.bias"]


def _rms_norm(params: Params, name: str, x: jax.Array) -> jax.Array:
    scale = jax.lax.rsqrt((x**2).mean(-1, keepdims=True) + TEXT["rms_norm_eps"])
    return x * scale * params[f"{name}.weight"]


def _heads(x: jax.Array, count: int) -> jax.Array:
    """`[B, L, heads x size]` to `[B, heads, L, size]`."""
    batch, length, _ = x.shape
    return x.reshape(batch, length, count, -1).transpose(0, 2, 1, 3)


def _attend(queries: jax.Array, keys: jax.Array, values: jax.Array, mask: jax.Array | None) -> jax.Array:
    scores = queries @ keys.swapaxes(-1, -2) / math.sqrt(queries.shape[-1])
    if mask is not None:
        scores = jnp.where(mask, scores, -1e9)
    mixed = jax.nn.softmax(scores, axis=-1) @ values
    return mixed.transpose(0, 2, 1, 3).reshape(mixed.shape[0], mixed.shape[2], -1)


def image_features(params: Params, pixels: jax.Array) -> jax.Array:
    """Normalised pixels `[B, height, width, 3]` to embeddings of the language model `[B, patches, hidden]`."""
    tower, patch = "vision_tower.vision_model", VISION["patch_size"]
    batch, side = pixels.shape[0], VISION["image_size"] // patch
    patches = (
        pixels.reshape(batch, side, patch, side, patch, 3).swapaxes(2, 3).reshape(batch, side * side, -1)
    )
    x = patches @ params[f"{tower}.embeddings.patch_embedding.weight"].reshape(VISION["hidden_size"], -1).T
    first = jnp.broadcast_to(params[f"{tower}.embeddings.class_embedding"], (batch, 1, x.shape[-1]))
    x = jnp.concatenate([first, x], 1) + params[f"{tower}.embeddings.position_embedding.weight"]
    x = _layer_norm(params, f"{tower}.pre_layrnorm", x)
    heads = VISION["num_attention_heads"]
    for i in range(VISION["num_hidden_layers"] - 1):
        layer = f"{tower}.encoder.layers.{i}"
        y = _layer_norm(params, f"{layer}.layer_norm1", x)
        q, k, v = (_heads(_linear(params, f"{layer}.self_attn.{n}_proj", y), heads) for n in "qkv")
        x = x + _linear(params, f"{layer}.self_attn.out_proj", _attend(q, k, v, None))
        y = _linear(params, f"{layer}.mlp.fc1", _layer_norm(params, f"{layer}.layer_norm2", x))
        x = x + _linear(params, f"{layer}.mlp.fc2", y * jax.nn.sigmoid(1.702 * y))
    x = _linear(params, "multi_modal_projector.linear_1", x[:, 1:])
    return _linear(params, "multi_modal_projector.linear_2", jax.nn.gelu(x, approximate=False))


def _rope(x: jax.Array) -> jax.Array:
    half = x.shape[-1] // 2
    angles = jnp.arange(x.shape[2])[:, None] * TEXT["rope_theta"] ** (-jnp.arange(half) / half)
    cos, sin, a, b = jnp.cos(angles), jnp.sin(angles), x[..., :half], x[..., half:]
    return jnp.concatenate([a * cos - b * sin, b * cos + a * sin], -1)


def forward(params: Params, pixels: jax.Array, tokens: jax.Array, image_at: int) -> jax.Array:
    """Logits `[B, L, V]` of conversations whose image's placeholders start at token `image_at`."""
    x = params["language_model.model.embed_tokens.weight"][tokens]
    x = x.at[:, image_at : image_at + PATCHES].set(image_features(params, pixels))
    length = tokens.shape[1]
    mask = jnp.tril(jnp.ones((length, length), bool))
    heads, kv_heads = TEXT["num_attention_heads"], TEXT["num_key_value_heads"]
    for i in range(TEXT["num_hidden_layers"]):
        layer = f"language_model.model.layers.{i}"
        y = _rms_norm(params, f"{layer}.input_layernorm", x)
        q = _rope(_heads(_linear(params, f"{layer}.self_attn.q_proj", y), heads))
        k = _rope(_heads(_linear(params, f"{layer}.self_attn.k_proj", y), kv_heads)).repeat(
            heads // kv_heads, 1
        )
        v = _heads(_linear(params, f"{layer}.self_attn.v_proj", y), kv_heads).repeat(heads // kv_heads, 1)
        x = x + _linear(params, f"{layer}.self_attn.o_proj", _attend(q, k, v, mask))
        y = _rms_norm(params, f"{layer}.post_attention_layernorm", x)
        gated = jax.nn.silu(_linear(params, f"{layer}.mlp.gate_proj", y)) * _linear(
            params, f"{layer}.mlp.up_proj", y
        )
        x = x + _linear(params, f"{layer}.mlp.down_proj", gated)
    return _linear(params, "language_model.lm_head", _rms_norm(params, "language_model.model.norm", x))
