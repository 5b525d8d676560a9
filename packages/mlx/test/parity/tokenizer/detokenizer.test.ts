import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Tokenizer } from "../../../src/tokenizer/index.ts";
import { SMALL_TOKENIZERS, smallTokenizer } from "./small-tokenizer.ts";
import { testString } from "./strings.ts";

const ids = (tokenizer: Tokenizer) => fc.array(fc.nat(tokenizer.vocabSize + 3), { maxLength: 60 });

describe.each(SMALL_TOKENIZERS)("the streaming detokenizer of %s", (name) => {
  const tokenizer = smallTokenizer(name);

  it("gives the decoded text of any ids, whichever tokens they are", () => {
    const detokenizer = tokenizer.createDetokenizer();
    fc.assert(
      fc.property(ids(tokenizer), (list) => {
        const streamed = list.map((id) => detokenizer.add(id)).join("") + detokenizer.flush();
        expect(streamed).toBe(tokenizer.decode(list, { skipSpecialTokens: true }));
      }),
      { numRuns: 2000 },
    );
  });

  it("keeps special tokens when asked to", () => {
    const detokenizer = tokenizer.createDetokenizer({ skipSpecialTokens: false });
    fc.assert(
      fc.property(ids(tokenizer), (list) => {
        const streamed = list.map((id) => detokenizer.add(id)).join("") + detokenizer.flush();
        expect(streamed).toBe(tokenizer.decode(list));
      }),
      { numRuns: 500 },
    );
  });

  it("never emits half a character: every delta is whole on its own", async () => {
    const detokenizer = tokenizer.createDetokenizer();
    for (let index = 2; index < 1200; index += 12) {
      const list = await tokenizer.encode(testString(index));
      const deltas = [...list.map((id) => detokenizer.add(id)), detokenizer.flush()];
      const decoded = tokenizer.decode(list, { skipSpecialTokens: true });
      for (const delta of deltas) {
        expect(delta).not.toMatch(/[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/);
        if (!decoded.includes("\ufffd")) expect(delta).not.toContain("\ufffd");
      }
    }
  });

  it("holds a bounded number of tokens of ordinary text back", async () => {
    const list = await tokenizer.encode("the model of the stream and the token ".repeat(50), {
      addSpecialTokens: false,
    });
    const detokenizer = tokenizer.createDetokenizer();
    let silent = 0;
    for (const id of list) {
      silent = detokenizer.add(id) === "" ? silent + 1 : 0;
      expect(silent).toBeLessThan(4);
    }
  });
});

describe("a streaming detokenizer", () => {
  const bytes = (text: string) => [...new TextEncoder().encode(text)];

  it("waits for the last byte of a character and then gives it at once", () => {
    const tokenizer = smallTokenizer("byte-fallback");
    const detokenizer = tokenizer.createDetokenizer();
    const list = bytes("🦙").map(
      (byte) => tokenizer.tokenToId(`<0x${byte.toString(16).toUpperCase()}>`) ?? -1,
    );
    expect(list.map((id) => detokenizer.add(id))).toEqual(["", "", "", ""]);
    const next = tokenizer.tokenToId("a") ?? -1;
    expect(detokenizer.add(next)).toBe("🦙a");
    expect(detokenizer.flush()).toBe("");
  });

  it("gives a replacement character for bytes that never become one", () => {
    const tokenizer = smallTokenizer("byte-level");
    const detokenizer = tokenizer.createDetokenizer();
    const lead = tokenizer.tokenToId("ð") ?? -1;
    expect(detokenizer.add(lead)).toBe("");
    expect(detokenizer.flush()).toBe("\ufffd");
    expect(tokenizer.decode([lead])).toBe("\ufffd");
  });

  it("starts anew after flush", () => {
    const tokenizer = smallTokenizer("byte-fallback");
    const detokenizer = tokenizer.createDetokenizer();
    const word = tokenizer.tokenToId("▁a") ?? tokenizer.tokenToId("▁the") ?? -1;
    const first = detokenizer.add(word) + detokenizer.flush();
    expect(detokenizer.add(word) + detokenizer.flush()).toBe(first);
    expect(first.startsWith(" ")).toBe(false);
  });

  it("takes work in proportion to the tokens, not to their square", () => {
    const tokenizer = smallTokenizer("byte-level");
    const work = (count: number) => {
      let calls = 0;
      const spy = new Proxy(tokenizer, {
        get: (target, key) => {
          const value = Reflect.get(target, key);
          if (key !== "idToToken") return typeof value === "function" ? value.bind(counted) : value;
          return (id: number) => {
            calls++;
            return target.idToToken(id);
          };
        },
      });
      const counted: Tokenizer = spy;
      const detokenizer = spy.createDetokenizer();
      for (let i = 0; i < count; i++) detokenizer.add(30 + (i % 60));
      detokenizer.flush();
      return calls;
    };
    expect(work(1000)).toBeGreaterThanOrEqual(1000);
    expect(work(10_000)).toBeLessThanOrEqual(12 * work(1000));
  });
});
