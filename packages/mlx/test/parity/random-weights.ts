/** Reproducible weights, bit-identical to oracle/random_weights.py: value i of a tensor is f(seed, name, i). */

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
 * The float32 tensor `name` of a model under `seed`, row-major.
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
  for (let i = 0; i < values.length; i++) {
    // two roundings, as numpy does them: the product, then the sum
    values[i] = center + Math.fround((((randomBits(key, i) >>> 8) - UNIT) / UNIT) * width);
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
