import { bidirectionalMask } from "../blocks/bidirectional-mask.ts";
import type { Mask, MaskOptions } from "../blocks/mask.ts";
import { NoCache } from "./no-cache.ts";

/** Remembers nothing, and lets positions see both ways: a decoder with it is an encoder. */
export class BidirectionalCache extends NoCache {
  readonly #lengths: readonly number[];

  /** @param lengths - tokens of each row; padding follows them */
  constructor(lengths: readonly number[]) {
    super();
    this.#lengths = lengths;
  }

  /** A window of `n` positions that end with the own one reaches `n / 2` to both sides. */
  override makeMask(L: number, { window }: MaskOptions = {}): Mask {
    return bidirectionalMask(this.#lengths, L, window === undefined ? undefined : Math.floor(window / 2));
  }
}
