import fc from "fast-check";
import { beforeAll, describe, expect, it } from "vitest";
import { type Tokenizer, tokenizerFromGguf } from "../../../src/tokenizer/index.ts";
import { readGguf } from "../../../src/weights/index.ts";
import { smolLM2 } from "../../engine/smollm2.ts";
import { smallTokenizer } from "./small-tokenizer.ts";
import { testString } from "./strings.ts";

const readSmolLM2 = () => readGguf(smolLM2).metadata;

const KINDS: readonly (readonly [name: string, open: () => Tokenizer])[] = [
  ["SmolLM2 (byte-level, GGUF)", () => tokenizerFromGguf(readSmolLM2(), readSmolLM2)],
  ["byte-level", () => smallTokenizer("byte-level")],
  ["byte-fallback (sentencepiece)", () => smallTokenizer("byte-fallback")],
  ["unigram (sentencepiece)", () => smallTokenizer("unigram")],
];

describe.each(KINDS)("bytes of the tokens of %s", (_, open) => {
  let tokenizer: Tokenizer;
  beforeAll(() => {
    tokenizer = open();
  });

  const joined = (ids: readonly number[]): Uint8Array =>
    Buffer.concat(ids.map((id) => tokenizer.tokenBytes?.(tokenizer.idToToken(id) ?? "") ?? new Uint8Array()));

  /** The text of an answer that goes on where other text ended. */
  const written = (ids: readonly number[]): string => {
    const detokenizer = tokenizer.createDetokenizer({ continues: true });
    return ids.map((id) => detokenizer.add(id)).join("") + detokenizer.flush();
  };

  it("are together the text, for texts of every script", async () => {
    for (let index = 0; index < 400; index++) {
      const ids = await tokenizer.encode(testString(index), { addSpecialTokens: false });
      const ordinary = ids.filter((id) => !tokenizer.specialTokenIds.has(id));
      expect(Buffer.from(joined(ordinary)).toString()).toBe(written(ordinary));
    }
  });

  it("are together the text, for any tokens whose bytes are whole characters", () => {
    const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
    const ordinary = fc.nat(tokenizer.vocabSize - 1).filter((id) => !tokenizer.specialTokenIds.has(id));
    let compared = 0;
    fc.assert(
      fc.property(fc.array(ordinary, { maxLength: 20 }), (ids) => {
        let text: string;
        try {
          text = utf8.decode(joined(ids));
        } catch {
          return;
        }
        compared += 1;
        expect(written(ids)).toBe(text);
      }),
      { numRuns: 2000 },
    );
    expect(compared).toBeGreaterThan(100);
  });
});

describe("tokens whose text depends on their neighbours", () => {
  it.each(["word-piece", "word-suffix", "word-level"])("have no bytes: %s", (name) => {
    expect(smallTokenizer(name).tokenBytes).toBeUndefined();
  });
});
