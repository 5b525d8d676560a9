import {
  ChunkedKVCache,
  KVCache,
  type LayerCache,
  QuantizedKVCache,
  RotatingKVCache,
} from "../src/cache/index.ts";

/** Caches of keys and values of each kind, small enough that a few positions fill them. */
export const cacheKinds: Readonly<Record<string, () => LayerCache>> = {
  "keys and values": () => new KVCache(),
  "a window": () => new RotatingKVCache(6),
  "a window that keeps the first": () => new RotatingKVCache(6, 2),
  chunks: () => new ChunkedKVCache(4),
  "quantized ones": () => new QuantizedKVCache({ bits: 4, groupSize: 32, start: 0 }),
  "ones to be quantized": () => new QuantizedKVCache({ bits: 8, groupSize: 32, start: 5 }),
};
