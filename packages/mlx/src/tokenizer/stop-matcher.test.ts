import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { StopMatcher } from "./stop-matcher.ts";

/** Looks at the whole text after every character. */
function naive(text: string, stops: readonly string[]): { text: string; stopped: boolean } {
  for (let end = 1; end <= text.length; end++) {
    const starts = stops.filter((stop) => text.slice(0, end).endsWith(stop)).map((stop) => end - stop.length);
    if (starts.length > 0) return { text: text.slice(0, Math.min(...starts)), stopped: true };
  }
  return { text, stopped: false };
}

function stream(pieces: readonly string[], stops: readonly string[]) {
  const matcher = new StopMatcher(stops);
  const deltas: string[] = [];
  let stopped = false;
  for (const piece of pieces) {
    const result = matcher.push(piece);
    deltas.push(result.text);
    stopped = result.stopped;
    if (stopped) break;
  }
  if (!stopped) deltas.push(matcher.flush());
  return { text: deltas.join(""), stopped, deltas };
}

const letters = fc.string({ unit: fc.constantFrom("a", "b", "c", "\n"), maxLength: 12 });
const stops = fc.array(
  fc.string({ unit: fc.constantFrom("a", "b", "c", "\n"), minLength: 1, maxLength: 4 }),
  { maxLength: 4 },
);

describe("StopMatcher", () => {
  it("finds what a look at the whole text finds, however the text is cut", () => {
    fc.assert(
      fc.property(fc.array(letters, { maxLength: 8 }), stops, (pieces, list) => {
        const { text, stopped } = stream(pieces, list);
        expect({ text, stopped }).toEqual(naive(pieces.join(""), list));
      }),
      { numRuns: 20_000 },
    );
  });

  it("holds back only what could still become a stop string", () => {
    fc.assert(
      fc.property(fc.array(letters, { maxLength: 8 }), stops, (pieces, list) => {
        const matcher = new StopMatcher(list);
        let seen = "";
        let emitted = "";
        for (const piece of pieces) {
          const result = matcher.push(piece);
          if (result.stopped) return;
          seen += piece;
          emitted += result.text;
          const held = seen.slice(emitted.length);
          expect(held === "" || list.some((stop) => stop.startsWith(held))).toBe(true);
        }
      }),
      { numRuns: 5000 },
    );
  });

  it("matches across pieces and drops everything after", () => {
    const matcher = new StopMatcher(["<|im_end|>", "\n\nUser:"]);
    expect(matcher.push("Hi<|im")).toEqual({ text: "Hi", stopped: false });
    expect(matcher.push("_en")).toEqual({ text: "", stopped: false });
    expect(matcher.push("d|>more")).toEqual({ text: "", stopped: true });
    expect(matcher.match).toBe("<|im_end|>");
    expect(matcher.push("even more")).toEqual({ text: "", stopped: true });
    expect(matcher.flush()).toBe("");
  });

  it("gives a false start back", () => {
    const matcher = new StopMatcher(["stop"]);
    expect(matcher.push("sto")).toEqual({ text: "", stopped: false });
    expect(matcher.push("ne")).toEqual({ text: "stone", stopped: false });
    expect(matcher.push("s")).toEqual({ text: "", stopped: false });
    expect(matcher.flush()).toBe("s");
  });

  it("takes the stop string that ends first, and the longest of those", () => {
    expect(stream(["xabcd"], ["abcd", "bc"]).text).toBe("xa");
    expect(stream(["xabc"], ["bc", "abc"]).text).toBe("x");
  });

  it("refuses an empty stop string", () => {
    expect(() => new StopMatcher(["a", ""])).toThrow("at least one character");
  });
});
