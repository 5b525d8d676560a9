import { afterEach, describe, expect, it, vi } from "vitest";
import { CompiledGrammars } from "../../src/grammar/compiled-grammars.ts";
import { nativeGrammar } from "../../src/grammar/native-grammar.ts";
import { TokenSpelling } from "../../src/grammar/token-spelling.ts";
import { markedTokenizer } from "../marked-tokenizer.ts";
import { grammarProblem } from "./grammar-problem.ts";

const LETTERS = [..."abcdefghijklmnopqrstuvwxyz"];
const TOKENS = ["<|stop|>", ...LETTERS];
const vocabSize = TOKENS.length;
const eosTokenIds = new Set([0]);
const tokenizer = markedTokenizer({ control: ["<|stop|>"], others: LETTERS }, "");

const opened = () => {
  const spelling = new TokenSpelling(tokenizer, eosTokenIds);
  return new CompiledGrammars({ tokenizer, eosTokenIds, vocabSize }, spelling);
};

/** Counts what is compiled. */
const watched = () => {
  const { CompiledGrammar } = nativeGrammar();
  return vi.spyOn(nativeGrammar(), "CompiledGrammar").mockImplementation(function compile(...parts) {
    return new CompiledGrammar(...parts);
  });
};

/** What may come next, as letters. */
const allowed = (state: ReturnType<CompiledGrammars["start"]>): string => {
  const mask = new Uint8Array(vocabSize);
  state.writeAllowed(mask);
  return TOKENS.filter((_, id) => mask[id] === 1).join("");
};

describe.skipIf(grammarProblem !== undefined)(`compiled grammars${grammarProblem ?? ""}`, () => {
  afterEach(() => void vi.restoreAllMocks());

  it("are compiled once, for whoever asks with the same data", () => {
    const compile = watched();
    const grammars = opened();
    const ask = (last: string) => ({ grammar: ["a", { anyOf: ["b", { regex: `[c-${last}]` }] }] });
    for (const last of ["e", "e", "f", "e", "f"]) grammars.start(ask(last)).free();
    grammars.check(ask("e"));
    expect(compile).toHaveBeenCalledTimes(2);
    grammars.dispose();
    grammars.check(ask("e"));
    expect(compile).toHaveBeenCalledTimes(3);
  });

  it("begin texts that know nothing of each other, and outlive being forgotten", () => {
    const grammars = opened();
    const [one, other] = [grammars.start({ regex: "ab|cd" }), grammars.start({ regex: "ab|cd" })];
    expect(one.advance(TOKENS.indexOf("a"))).toBe(false);
    expect([allowed(one), allowed(other)]).toEqual(["b", "ac"]);
    grammars.dispose();
    expect([one.advance(TOKENS.indexOf("b")), allowed(other)]).toEqual([true, "ac"]);
    expect(allowed(grammars.start({ regex: "ab|cd" }))).toBe("ac");
  });

  it("are forgotten when they take too much memory", () => {
    const compile = watched();
    const grammars = opened();
    const long = (letter: string) => ({ regex: letter.repeat(150_000) });
    for (const letter of ["a", "b", "b", "c", "a"]) grammars.check(long(letter));
    expect(compile).toHaveBeenCalledTimes(4);
  });

  it("are refused each time", () => {
    const grammars = opened();
    grammars.check({ regex: "a" });
    for (let i = 0; i < 2; i++) {
      expect(() => grammars.check({ regex: "(" })).toThrow(
        expect.objectContaining({ code: "unsupported-feature" }),
      );
      const twoKeys = { regex: "a", lark: undefined };
      expect(() => grammars.check(twoKeys as never)).toThrow(
        expect.objectContaining({ code: "invalid-argument" }),
      );
    }
  });
});
