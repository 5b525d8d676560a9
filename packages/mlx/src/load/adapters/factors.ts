import type { MxArray } from "../../core/index.ts";
import * as mx from "../../core/index.ts";
import { moveToHugePages } from "../../core/mapped.ts";
import type { LayerUpdate } from "./adapter-change.ts";

/** What an update is made of: `[r, N]` and `[r, K]` or stacks of such, row by row in memory. */
export interface Factors {
  readonly up: MxArray;
  readonly down: MxArray;
  readonly gains?: MxArray | undefined;
}

/** A layer, and what its update is made of. */
export interface FactoredLayer extends Pick<LayerUpdate, "path" | "layer"> {
  readonly factors: Factors;
}

/** Updates of layers, which take over their factors. */
export const updatesOf = (layers: readonly FactoredLayer[]): LayerUpdate[] => {
  if (mx.defaultDevice() === "cpu") {
    const arrays = layers.flatMap(({ factors: { up, down, gains } }) => [down, up, gains ?? []].flat());
    moveToHugePages(arrays, []);
  }
  return layers.map(({ path, layer, factors: { up, down: rows, gains } }) => {
    const down = mx.swapaxes(rows, -1, -2); // column by column in memory
    mx.evaluate(down);
    rows.dispose();
    const update = gains === undefined ? { up, down } : { up, down, gains };
    return { kind: "update", path, layer, update };
  });
};
