/** Reproducible weights, bit-identical to oracle/random_weights.py: value i of a tensor is f(seed, name, i). */

import { type Dtype, uint32 } from "../../src/core/index.ts";

const UNIT = 2 ** 23;

/** FNV-1a over the UTF-8 bytes of `name`, started from `seed`, as a uint32. */
export function hashName(seed: number, name: string): number {
  let hash = 0x811c9dc5 ^ seed;
  for (const byte of new TextEncoder().encode(name)) hash = Math.imul(hash ^ byte, 0x01000193);
  return hash >>> 0;
}

/** The uint32 at position `index` of stream `key`: Murmur3's finalizer over `key + index * 0x9E3779B9`. */
export function randomBits(key: number, index: number): number {
  let x = (Math.imul(index, 0x9e3779b9) + key) | 0;
  x = Math.imul(x ^ (x >>> 16), 0x85ebca6b);
  x = Math.imul(x ^ (x >>> 13), 0xc2b2ae35);
  return (x ^ (x >>> 16)) >>> 0;
}

/** Centre and half width of a tensor's uniform distribution, chosen so that activations stay near 1. */
function distribution(name: string, shape: readonly number[], normCenter: number): [number, number] {
  if (name.endsWith(".bias")) return [0, 0.25];
  if (name.endsWith("put_min")) return [-1, 0.5]; // bounds of a layer's input or output
  if (name.endsWith("put_max")) return [1, 0.5];
  const isNorm = name
    .split(".")
    .slice(-2)
    .some((part) => part.includes("norm"));
  if (shape.length <= 1 || isNorm) return [normCenter, 0.5];
  const [last = 1, positions = 1] = [shape.at(-1), shape.at(-2)];
  const fanIn = last > 1 ? last : positions; // of a convolution per channel: the positions
  return [0, Math.sqrt(3 / fanIn)]; // variance 1 / fan-in
}

/**
 * The float32 tensor `name` of a model under `seed`, row-major. Signs are 1 or -1.
 *
 * @param normCenter - centre of norm weights: 1, or 0 where a norm multiplies by `1 + weight`
 */
export function randomTensor(
  seed: number,
  name: string,
  shape: readonly number[],
  normCenter = 1,
): Float32Array {
  const key = hashName(seed, name);
  const [center, halfWidth] = distribution(name, shape, normCenter);
  const width = Math.fround(halfWidth);
  const values = new Float32Array(shape.reduce((a, b) => a * b, 1));
  const isSigns = name.endsWith(".signs");
  for (let i = 0; i < values.length; i++) {
    const unit = ((randomBits(key, i) >>> 8) - UNIT) / UNIT;
    // two roundings, as numpy does them: the product, then the sum
    if (isSigns) values[i] = unit < 0 ? -1 : 1;
    else values[i] = center + Math.fround(unit * width);
  }
  return values;
}

/** Unsigned integers of a packed checkpoint; bit 6 of each byte is clear, so that no byte is NaN as fp8. */
export function randomIntegers(seed: number, name: string, shape: readonly number[]): Uint32Array {
  const key = hashName(seed, name);
  return Uint32Array.from(
    { length: shape.reduce((a, b) => a * b, 1) },
    (_, i) => randomBits(key, i) & 0xbfbfbfbf,
  );
}

/**
 * A parameter of a model that may be packed: integers, and what they are multiplied by and added to. Scales and biases
 * are small multiples of 1 / 1024, so that no rounding shows in what they unpack to.
 */
export function randomParameter(
  seed: number,
  name: string,
  shape: readonly number[],
  dtype: Dtype,
  normCenter = 1,
): Float32Array | Uint32Array {
  if (dtype === uint32) return randomIntegers(seed, name, shape);
  const values = randomTensor(seed, name, shape, normCenter);
  return /\.(scales|biases)$/.test(name) ? values.map((value) => Math.floor(value * 64) / 1024) : values;
}
