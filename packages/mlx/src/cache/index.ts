/** What models remember between calls. */
export { ArraysCache, type ArraysCacheOptions } from "./arrays-cache.ts";
export { AttentionCache } from "./attention-cache.ts";
export { BatchKVCache } from "./batch-kv-cache.ts";
export { BidirectionalCache } from "./bidirectional-cache.ts";
export { CacheList } from "./cache-list.ts";
export { type CacheRoom, CacheWriter, type NoRoom, noRoom, type StateRoom } from "./cache-room.ts";
export type { CacheSnapshot } from "./cache-snapshot.ts";
export { CacheTrial } from "./cache-trial.ts";
export { ChunkedKVCache } from "./chunked-kv-cache.ts";
export { CrossCache } from "./cross-cache.ts";
export { forkAll } from "./fork-all.ts";
export type { KeyValueCache } from "./key-value-cache.ts";
export { KVCache } from "./kv-cache.ts";
export type { BatchCache, HeldStates, LayerArrays, LayerCache, StateShapes } from "./layer-cache.ts";
export { noCache } from "./no-cache.ts";
export { type KVQuantization, QuantizedKVCache, quantizedCaches } from "./quantized-kv-cache.ts";
export { RotatingKVCache } from "./rotating-kv-cache.ts";
export { restoreAll, snapshotAll } from "./snapshot-all.ts";
