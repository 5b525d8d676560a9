"""Muse Spark without Metal: its kernels as operations, and float32 where it fixes bfloat16."""

import contextlib

import mlx.core as mx
from mlx_lm.models import muse_spark


def rms_norm(x: mx.array, eps: float) -> mx.array:
    return mx.fast.rms_norm(x, None, eps)


def qk_norm(qkvg, *, n_heads, n_kv_heads, head_dim, eps, query_scale):
    tokens = qkvg.shape[:-1]
    q = qkvg[..., : n_heads * head_dim].reshape(*tokens, n_heads, head_dim)
    k = qkvg[..., n_heads * head_dim : (n_heads + n_kv_heads) * head_dim]
    return rms_norm(q, eps) * query_scale, rms_norm(k.reshape(*tokens, n_kv_heads, head_dim), eps)


def qk_norm_rope(qkvg, *, rope_base, offset, head_dim, **norm):
    def turn(x):
        x = x.swapaxes(1, 2)
        x = mx.fast.rope(x, head_dim, traditional=True, base=rope_base, scale=1.0, offset=offset)
        return x.swapaxes(1, 2)

    q, k = qk_norm(qkvg, head_dim=head_dim, **norm)
    return turn(q), turn(k)


def rms_norm_sigmoid_gate(x, gate, *, eps):
    B, H, L, D = x.shape
    return rms_norm(x, eps).transpose(0, 2, 1, 3).reshape(B, L, H * D) * mx.sigmoid(gate)


def expert_routing(logits, expert_bias, *, top_k, multiplier, score_eps, route_scale):
    scores = mx.sigmoid(logits * multiplier)
    order = mx.argsort(-(scores + expert_bias), axis=-1)[..., :top_k]
    chosen = mx.take_along_axis(scores, order, axis=-1)
    return order, chosen / (chosen.sum(axis=-1, keepdims=True) + score_eps) * route_scale


def post_expert_norm_combine(experts, weights, *, norm_weight, eps):
    return (rms_norm(experts * norm_weight, eps) * weights[..., None]).sum(axis=-2)


def norm_add_norm(branch, stream, *, alpha, beta, post_weight, post_eps, next_norm):
    scaled = branch if post_weight is None else post_weight * branch
    added = alpha * stream + beta * rms_norm(scaled, post_eps)
    return added, None if next_norm is None else next_norm(added)


KERNELS = (
    qk_norm,
    qk_norm_rope,
    rms_norm_sigmoid_gate,
    expert_routing,
    post_expert_norm_combine,
    norm_add_norm,
)


class Float32Core:
    """mlx.core whose bfloat16 is float32."""

    bfloat16 = mx.float32

    def __getattr__(self, name: str) -> object:
        return getattr(mx, name)


@contextlib.contextmanager
def on_cpu():
    """Runs `mlx_lm.models.muse_spark` by the operations above, within the scope."""
    kept = {kernel.__name__: getattr(muse_spark, kernel.__name__) for kernel in KERNELS}
    for kernel in KERNELS:
        setattr(muse_spark, kernel.__name__, kernel)
    muse_spark.mx = Float32Core()
    try:
        yield
    finally:
        muse_spark.mx = mx
        for name, kernel in kept.items():
            setattr(muse_spark, name, kernel)
