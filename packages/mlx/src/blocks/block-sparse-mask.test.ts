import { describe, expect, it } from "vitest";
import { array, int32, type MxArray } from "../core/index.ts";
import { blockSparseMask } from "./block-sparse-mask.ts";

describe("blockSparseMask", () => {
  it.each([
    [11, 11],
    [3, 11],
    [1, 9],
    [5, 13],
  ])("lets each of the last %i of %i positions see what its head may", (L, S) => {
    const [H, blockSize, localBlocks, stride] = [3, 2, 2, 3];
    const seen = Array.from({ length: H }, (_, head) =>
      Array.from({ length: L }, (_, row) =>
        Array.from({ length: S }, (_, key) => {
          const at = S - L + row;
          const isLocal = Math.floor(at / blockSize) - Math.floor(key / blockSize) < localBlocks;
          const isStrided = (Math.floor(key / blockSize) + head + 1) % stride === 0;
          return Number(key <= at && (isLocal || isStrided));
        }),
      ),
    );
    expect(blockSparseMask(H, S - L, L, S, { blockSize, localBlocks, stride })?.toArray()).toEqual([seen]);
  });

  it("counts blocks of a row from its first token, and hides the padding before it", () => {
    const sparsity = { blockSize: 2, localBlocks: 1, stride: 3 };
    const seen = (offset: number | MxArray, S: number) =>
      (blockSparseMask(2, offset, 2, S, sparsity)?.toArray() ?? []) as number[][][][];
    const alone = seen(4, 6).map((heads) => heads.map((rows) => rows.map((row) => [0, 0, ...row])));
    expect(seen(array([6, 4], int32), 8)).toEqual([...seen(6, 8), ...alone]);
    expect(alone).toHaveLength(1);
  });

  it("is not needed while all positions are in local blocks", () => {
    const sparsity = { blockSize: 4, localBlocks: 2, stride: 3 };
    expect(blockSparseMask(2, 0, 8, 8, sparsity)).toBeUndefined();
    expect(blockSparseMask(2, 8, 1, 9, sparsity)?.shape).toEqual([1, 2, 1, 9]);
  });
});
