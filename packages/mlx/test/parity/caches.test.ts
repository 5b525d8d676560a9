import { describe, expect, it } from "vitest";
import type { Mask, MaskOptions } from "../../src/blocks/mask.ts";
import { KVCache, RotatingKVCache } from "../../src/cache/index.ts";
import * as mx from "../../src/core/index.ts";
import { readGolden } from "./golden.ts";

interface Update {
  update: number;
  /** Before the update; null where it would be wide. */
  masks: { plain: string; array: string; window: string } | null;
  /** What the update returned, as runs: `1-4 9-9`. */
  positions: string;
  offset: number;
  trimmable: boolean;
}

interface Trim {
  trim: number;
  trimmed: number;
  offset: number;
}

interface CacheGolden {
  maxSize: number | null;
  keep: number;
  window: number;
  steps: (Update | Trim)[];
}

function showMask(mask: Mask): string {
  if (mask === undefined || mask === "causal") return mask ?? "none";
  const rows = mask.ndim === 2 ? mask : mask.reshape(1, -1);
  return (rows.toArray() as number[][]).map((row) => row.join("")).join(" ");
}

function showPositions(keys: mx.MxArray): string {
  const runs: [number, number][] = [];
  for (const position of keys.toTypedArray() as Float32Array) {
    const last = runs.at(-1);
    if (last?.[1] === position - 1) last[1] = position;
    else runs.push([position, position]);
  }
  return runs.map(([first, last]) => `${first}-${last}`).join(" ");
}

/** Runs one update after `position` positions: keys hold their position, values its negative. */
function update(cache: KVCache | RotatingKVCache, position: number, step: Update, window: number): Update {
  return mx.tidy(() => {
    const count = step.update;
    const masks = (options?: MaskOptions) => showMask(cache.makeMask(count, options));
    const before =
      step.masks === null
        ? null
        : { plain: masks(), array: masks({ asArray: true }), window: masks({ window }) };
    const added = mx.arange(position + 1, position + count + 1, 1, mx.float32).reshape(1, 1, count, 1);
    const [keys, values] = cache.updateAndFetch(added, mx.negative(added));
    expect(mx.arrayEqual(keys, mx.negative(values)).item()).toBe(1);
    return {
      update: count,
      masks: before,
      positions: showPositions(keys),
      offset: cache.offset,
      trimmable: cache.isTrimmable(),
    };
  });
}

const { caches } = readGolden<{ caches: CacheGolden[] }>("caches.json");
const titled = caches.map((golden) => {
  const kind = golden.maxSize === null ? "KVCache" : `RotatingKVCache(${golden.maxSize}, ${golden.keep})`;
  const script = golden.steps.map((step) => ("trim" in step ? -step.trim : step.update));
  return { ...golden, title: `${kind} over ${script.join(" ")}` };
});

describe("caches", () => {
  it.each(titled)(
    "return the positions and masks of Python's: $title",
    ({ maxSize, keep, window, steps }) => {
      const cache = maxSize === null ? new KVCache() : new RotatingKVCache(maxSize, keep);
      let position = 0;
      const got = steps.map((step) => {
        if ("trim" in step) {
          const trimmed = cache.trim(step.trim);
          position -= trimmed;
          return { trim: step.trim, trimmed, offset: cache.offset };
        }
        const result = update(cache, position, step, window);
        position += step.update;
        return result;
      });
      expect(got).toEqual(steps);
      cache.dispose();
    },
  );
});
