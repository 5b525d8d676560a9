import { createHash } from "node:crypto";
import { createRequire } from "node:module";
import { resolve } from "node:path";
import { type LayerCache, quantizedCaches } from "../cache/index.ts";
import * as mx from "../core/index.ts";
import { PrefixCache, PrefixFolder, type TextModel } from "../generation/index.ts";
import { filesIdentity } from "../load/files-identity.ts";
import type { LoadRequest } from "./types.ts";

/** Hundreds of thousands of tokens of a small model, ten thousands of a large one. */
const DEFAULT_DISK_BYTES = 10 * 2 ** 30;

/** Another release may compute or store keys and values in another way. */
const release = (): string => {
  const manifest: { version: string } = createRequire(import.meta.url)("@abstractllm/mlx/package.json");
  return manifest.version;
};

/** What tells a model's keys and values from those of others, for each adapter and without one. */
const identities = (request: LoadRequest, { device, kvQuantization, adapters: choices }: TextModel) => {
  const { path, adapterPath, adapters = {}, exact, promptBits, quantize } = request;
  const model = [
    release(),
    filesIdentity(path),
    adapterPath === undefined ? [] : filesIdentity(adapterPath),
    [device, mx.backend()],
    { exact, promptBits, quantize, kvQuantization },
  ];
  const hash = (adapter: readonly string[]): string =>
    createHash("sha256")
      .update(JSON.stringify([...model, adapter]))
      .digest("hex")
      .slice(0, 32);
  const files = new Map(Object.entries(adapters).map(([name, folder]) => [name, filesIdentity(folder)]));
  return (adapter: string | undefined): string => {
    const parts = choices?.partsOf(adapter) ?? [];
    const scaleOf = (scale: number) => (scale === 1 ? [] : [String(scale)]);
    return hash(parts.flatMap(({ name, scale }) => [...(files.get(name) ?? []), ...scaleOf(scale)]));
  };
};

/** A model's caches, which hold a token. */
const openCaches = ({ model, kvQuantization: kv }: TextModel): LayerCache[] => {
  const caches = kv === undefined ? model.makeCache() : quantizedCaches(model.makeCache(), kv);
  mx.tidy(() => void model.forward(mx.array([[0]], mx.int32), { cache: caches })); // never computed
  return caches;
};

/**
 * What requests for a model leave behind.
 *
 * @param free - frees the model; called when its files are gone
 */
export const openPrefixes = (request: LoadRequest, text: TextModel, free: () => void): PrefixCache => {
  const { promptCacheBytes, promptCachePath, promptCacheDiskBytes } = request;
  if (promptCachePath === undefined) return new PrefixCache(promptCacheBytes);
  try {
    const folder = new PrefixFolder({
      path: resolve(promptCachePath),
      maxBytes: promptCacheDiskBytes ?? DEFAULT_DISK_BYTES,
      identity: identities(request, text),
      openCaches: () => openCaches(text),
    });
    return new PrefixCache(promptCacheBytes, folder);
  } catch (error) {
    free();
    throw error;
  }
};
