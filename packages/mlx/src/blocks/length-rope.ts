import { add, greater, MxArray, reshape, where } from "../core/index.ts";
import type { PositionEmbedding } from "../nn/index.ts";
import { addLengthBound, promptLength } from "./prompt-length.ts";
import { isStepwise, turnEach } from "./stepwise.ts";

/**
 * One position embedding while a sequence is short, and another from then on; what is cached stays as it turned. A prompt
 * counts as a whole, however many stretches it is read in.
 */
export class LengthRope implements PositionEmbedding {
  readonly #short: PositionEmbedding;
  readonly #long: PositionEmbedding;
  readonly #longest: number;

  /** @param longest - tokens of a sequence that is short */
  constructor(short: PositionEmbedding, long: PositionEmbedding, longest: number) {
    this.#short = short;
    this.#long = long;
    this.#longest = longest;
    addLengthBound(longest);
  }

  forward(x: MxArray, offset: number | MxArray): MxArray {
    const L = x.dim(2);
    if (typeof offset === "number" && isStepwise(x))
      return turnEach(x, offset, (rows, offsets) => this.forward(rows, offsets));
    if (!(offset instanceof MxArray)) {
      const length = Math.max(offset + L, promptLength());
      return (length > this.#longest ? this.#long : this.#short).forward(x, offset);
    }
    const isLong = greater(add(reshape(offset, [-1, 1, 1, 1]), L), this.#longest);
    return where(isLong, this.#long.forward(x, offset), this.#short.forward(x, offset));
  }
}
