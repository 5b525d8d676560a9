import { describe, expect, it } from "vitest";
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
    expect(blockSparseMask(H, L, S, { blockSize, localBlocks, stride })?.toArray()).toEqual([seen]);
  });

  it("is not needed while all positions are in local blocks", () => {
    const sparsity = { blockSize: 4, localBlocks: 2, stride: 3 };
    expect(blockSparseMask(2, 8, 8, sparsity)).toBeUndefined();
    expect(blockSparseMask(2, 1, 9, sparsity)?.shape).toEqual([1, 2, 1, 9]);
  });
});
