/** What models remember between calls. */
export { KVCache } from "./kv-cache.ts";
export type { LayerCache } from "./layer-cache.ts";
export { noCache } from "./no-cache.ts";
export { RotatingKVCache } from "./rotating-kv-cache.ts";
