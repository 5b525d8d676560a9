/** What models remember between calls. */
export { BatchKVCache } from "./batch-kv-cache.ts";
export { KVCache } from "./kv-cache.ts";
export type { BatchCache, LayerCache } from "./layer-cache.ts";
export { noCache } from "./no-cache.ts";
export { RotatingKVCache } from "./rotating-kv-cache.ts";
