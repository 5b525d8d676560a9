import { describe, expect, it } from "vitest";
import * as mx from "../core/index.ts";
import { RoPE } from "../nn/index.ts";
import { LengthRope } from "./length-rope.ts";
import { whileReading } from "./prompt-length.ts";

const rope = new LengthRope(new RoPE(8), new RoPE(8, { base: 100 }), 6);

/** `[1, 2, 3, 8]` */
const states = (): mx.MxArray => mx.reshape(mx.sin(mx.arange(0, 48, 1, mx.float32)), [1, 2, 3, 8]);

const numbers = (x: mx.MxArray): number[] => [...x.toTypedArray()].map(Number);

describe("LengthRope", () => {
  it("turns by the second embedding once the last token is past the length", () => {
    mx.tidy(() => {
      expect(numbers(rope.forward(states(), 3))).toEqual(numbers(new RoPE(8).forward(states(), 3)));
      expect(numbers(rope.forward(states(), 4))).toEqual(
        numbers(new RoPE(8, { base: 100 }).forward(states(), 4)),
      );
    });
  });

  it("turns all of a prompt by the second embedding that is longer than the length", () => {
    mx.tidy(() => {
      const long = numbers(new RoPE(8, { base: 100 }).forward(states(), 0));
      expect(whileReading(7, () => numbers(rope.forward(states(), 0)))).toEqual(long);
      expect(numbers(rope.forward(states(), 0))).not.toEqual(long);
    });
  });

  it("turns each row of a batch by its own length", () => {
    mx.tidy(() => {
      const rows = rope.forward(mx.concatenate([states(), states()], 0), mx.array([3, 4], mx.int32));
      const alone = [3, 4].flatMap((offset) => numbers(rope.forward(states(), offset)));
      numbers(rows).forEach((value, i) => {
        expect(value).toBeCloseTo(alone[i] ?? Number.NaN, 5);
      });
    });
  });
});
