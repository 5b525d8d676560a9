/** Prefixes in a folder, as processes that come and go see them. */
import * as mx from "../../src/core/index.ts";
import { PrefixCache } from "../../src/generation/prefix-cache.ts";
import { PrefixFolder, type PrefixFolderOptions } from "../../src/generation/prefix-folder/index.ts";
import type { LanguageModel } from "../../src/models/index.ts";

/** Stands for the model's files and options. */
export const IDENTITY = "0123456789abcdef0123456789abcdef";

/** What a process knows that begins now. */
export const begin = (
  model: LanguageModel,
  path: string,
  options: Partial<PrefixFolderOptions> = {},
): PrefixCache => {
  const openCaches = () => {
    const caches = model.makeCache();
    mx.tidy(() => void model.forward(mx.array([[0]], mx.int32), { cache: caches }));
    return caches;
  };
  const defaults = { path, maxBytes: 2 ** 30, identity: () => IDENTITY, openCaches, leastTokens: 8 };
  return new PrefixCache(2 ** 24, new PrefixFolder({ ...defaults, ...options }));
};

/** Ends it; gives back what it warns of. */
export const end = (prefixes: PrefixCache): readonly string[] => {
  const warnings = prefixes.store(true);
  prefixes.clear();
  return warnings;
};
