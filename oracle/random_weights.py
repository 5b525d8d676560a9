"""Reproducible weights: the value at index i of a tensor is a function of (seed, name, i) alone.

The TypeScript twin is packages/mlx/test/parity/random-weights.ts; both give the same float32 bits.
"""

import math

import numpy as np

FNV_PRIME = 0x01000193
GOLDEN_RATIO = 0x9E3779B9
MASK = 0xFFFFFFFF


def hash_name(seed: int, name: str) -> int:
    """FNV-1a over the UTF-8 bytes of `name`, started from `seed`, as a uint32."""
    h = (0x811C9DC5 ^ seed) & MASK
    for byte in name.encode():
        h = ((h ^ byte) * FNV_PRIME) & MASK
    return h


def random_bits(key: int, count: int) -> np.ndarray:
    """`count` uint32 values: Murmur3's finalizer over `key + i * 0x9E3779B9`."""
    with np.errstate(over="ignore"):
        x = np.arange(count, dtype=np.uint32) * np.uint32(GOLDEN_RATIO) + np.uint32(key)
        x ^= x >> np.uint32(16)
        x *= np.uint32(0x85EBCA6B)
        x ^= x >> np.uint32(13)
        x *= np.uint32(0xC2B2AE35)
        x ^= x >> np.uint32(16)
    return x


def distribution(name: str, shape: tuple[int, ...], norm_center: float) -> tuple[float, float]:
    """(center, half width) of a tensor's uniform distribution, chosen so that activations stay near 1."""
    if name.endswith(".bias"):
        return 0.0, 0.25
    if name.endswith(("put_min", "put_max")):  # bounds of a layer's input or output
        return (-1.0 if name.endswith("min") else 1.0), 0.5
    if len(shape) <= 1 or any("norm" in part for part in name.split(".")[-2:]):
        return norm_center, 0.5
    fan_in = shape[-1] if shape[-1] > 1 else shape[-2]  # of a convolution per channel: the positions
    return 0.0, math.sqrt(3.0 / fan_in)  # variance 1 / fan-in


def random_tensor(seed: int, name: str, shape: tuple[int, ...], norm_center: float = 1.0) -> np.ndarray:
    """The float32 tensor `name` under `seed`; `norm_center` is 0 where norms multiply by 1 + weight. Signs are 1 or -1."""
    bits = random_bits(hash_name(seed, name), math.prod(shape))
    # 24 bits, centred: every value and every step up to the final rounding is exact in float32
    unit = ((bits >> np.uint32(8)).astype(np.float32) - np.float32(2**23)) / np.float32(2**23)
    if name.endswith(".signs"):
        return np.where(unit < 0, np.float32(-1), np.float32(1)).reshape(shape)
    center, width = distribution(name, shape, norm_center)
    return (np.float32(center) + unit * np.float32(width)).reshape(shape)


def random_parameter(
    seed: int, name: str, shape: tuple[int, ...], dtype: str, norm_center: float = 1.0
) -> np.ndarray:
    """A parameter of a model that may be packed: integers, and what they are multiplied by and added to.

    Scales and biases are small multiples of 1 / 1024, so that no rounding shows in what they unpack to.
    """
    if dtype == "uint32":
        return random_integers(seed, name, shape, dtype)
    values = random_tensor(seed, name, shape, norm_center)
    if name.endswith((".scales", ".biases")):
        return np.floor(values * np.float32(64)) / np.float32(1024)
    return values


def random_integers(seed: int, name: str, shape: tuple[int, ...], dtype: str) -> np.ndarray:
    """Unsigned integers of a packed checkpoint; bit 6 of each byte is clear, so that no byte is NaN as fp8."""
    bits = random_bits(hash_name(seed, name), math.prod(shape)) & np.uint32(0xBFBFBFBF)
    return bits.astype(dtype).reshape(shape)


def random_tokens(seed: int, name: str, count: int, vocab_size: int) -> list[int]:
    """`count` token ids below `vocab_size`."""
    return (random_bits(hash_name(seed, name), count) % np.uint32(vocab_size)).tolist()
