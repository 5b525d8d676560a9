import { describe, expect, it } from "vitest";
import { TokenizerError } from "../errors.ts";
import { GGUF_PRE_TOKENIZERS } from "./gguf-pre-tokenizers.ts";
import type { Tokenizer } from "./tokenizer.ts";
import { tokenizerFromGguf } from "./tokenizer-from-gguf.ts";

const key = (name: string) => `tokenizer.ggml.${name}`;

/** "ab", its letters and a control token, byte-level. */
function metadata(changes: Record<string, unknown> = {}): Map<string, unknown> {
  const values: Record<string, unknown> = {
    model: "gpt2",
    pre: "gpt-2",
    tokens: ["<|end|>", "a", "b", "ab", "<think>"],
    token_type: new Int32Array([3, 1, 1, 1, 4]),
    merges: ["a b"],
    bos_token_id: 0,
    eos_token_id: 0,
    ...changes,
  };
  const entries = Object.entries(values).filter(([, value]) => value !== undefined);
  return new Map(entries.map(([name, value]) => [name.includes(".") ? name : key(name), value]));
}

const fromGguf = (values: Map<string, unknown>): Tokenizer => tokenizerFromGguf(values, () => values);

describe("tokenizerFromGguf", () => {
  it("builds byte-level BPE: merges, control tokens, user-defined tokens", async () => {
    const tokenizer = fromGguf(metadata());
    expect(await tokenizer.encode("aab<|end|><think>")).toEqual([1, 3, 0, 4]);
    expect(tokenizer.decode([1, 3, 0, 4], { skipSpecialTokens: true })).toBe("aab<think>");
    expect(tokenizer.specialTokens).toEqual({ bos_token: "<|end|>", eos_token: "<|end|>" });
    expect(tokenizer.endTokenIds).toEqual([0]);
    expect(tokenizer.vocabSize).toBe(5);
  });

  it.each([...GGUF_PRE_TOKENIZERS.keys()])("builds what splits as %s", async (pre) => {
    const tokenizer = fromGguf(metadata({ pre, add_bos_token: false }));
    expect(await tokenizer.encode("ab")).toEqual([3]);
  });

  it.each([
    ["gpt-2", ["1234"]],
    ["llama-bpe", ["123", "4"]],
    ["kimi-k2", ["123", "4"]],
    ["afmoe", ["1", "234"]],
    ["tiny_aya", ["1", "234"]],
    ["bailingmoe", ["1", "2", "3", "4"]],
    ["seed-coder", ["1", "2", "3", "4"]],
    ["exaone-moe", ["1", "2", "3", "4"]],
    ["laguna", ["1", "2", "3", "4"]],
    ["spark2_5", ["1", "2", "3", "4"]],
    ["youtu", ["1", "2", "3", "4"]],
    ["viking", ["1", "2", "3", "4"]],
    ["minicpm5", ["123", "4"]],
  ])("splits numbers as %s does", async (pre, expected) => {
    const tokens = ["<|end|>", "1", "2", "3", "4", "12", "123", "1234", "23", "234"];
    const merges = ["1 2", "12 3", "123 4", "2 3", "23 4"];
    const types = tokens.map((_, id) => (id === 0 ? 3 : 1));
    const file = { pre, tokens, token_type: types, merges, add_bos_token: false };
    const tokenizer = fromGguf(metadata(file));
    const ids = await tokenizer.encode("1234");
    expect(ids.map((id) => tokenizer.idToToken(id))).toEqual(expected);
  });

  it("adds the begin and end tokens that the file asks for", async () => {
    const tokenizer = fromGguf(metadata({ add_bos_token: true, add_eos_token: true }));
    expect(await tokenizer.encode("ab")).toEqual([0, 3, 0]);
    expect(await tokenizer.encode("ab", { addSpecialTokens: false })).toEqual([3]);
  });

  it("builds sentencepiece BPE from scores, with bytes for the rest", async () => {
    const bytes = Array.from(
      { length: 256 },
      (_, byte) => `<0x${byte.toString(16).toUpperCase().padStart(2, "0")}>`,
    );
    const tokens = ["<unk>", "<s>", "</s>", ...bytes, "▁", "a", "b", "ab", "▁a", "▁ab"];
    const types = [2, 3, 3, ...bytes.map(() => 6), 1, 1, 1, 1, 1, 1];
    // "▁a" is better than "ab", so "▁ab" is made of "▁a" and "b"
    const scores = new Float32Array([...tokens.map(() => 0).slice(6), -9, -7, -8, -2, -1, -3]);
    const file = { model: "llama", pre: undefined, tokens, token_type: types, scores, merges: undefined };
    const tokenizer = fromGguf(metadata({ ...file, bos_token_id: 1, eos_token_id: 2, unknown_token_id: 0 }));
    const ids = await tokenizer.encode("ab é");
    expect(ids.map((id) => tokenizer.idToToken(id))).toEqual(["<s>", "▁ab", "▁", "<0xC3>", "<0xA9>"]);
    expect(tokenizer.decode(ids, { skipSpecialTokens: true })).toBe("ab é");
  });

  it("reads templates by name", () => {
    const file = metadata({ "tokenizer.chat_template": "A", "tokenizer.chat_template.tool_use": "B" });
    const { default: standard, named } = fromGguf(file).chatTemplates;
    expect([standard, named.get("tool_use")]).toEqual(["A", "B"]);
  });

  it.each<[string, Record<string, unknown>, RegExp]>([
    ["no tokens", { tokens: undefined }, /no tokenizer\.ggml\.tokens/],
    ["no tokens in the list", { tokens: [] }, /no tokenizer\.ggml\.tokens/],
    ["tokens that are not strings", { tokens: [1, 2] }, /list of strings/],
    ["a token twice", { tokens: ["a", "b", "a", "c", "d"] }, /"a" is twice/],
    [
      "types for other tokens",
      { token_type: [1, 1] },
      /Expected 5 entries in tokenizer\.ggml\.token_type but received 2/,
    ],
    ["scores for other tokens", { scores: [0] }, /Expected 5 entries in tokenizer\.ggml\.scores/],
    ["a token id outside", { bos_token_id: 5 }, /token id below 5/],
    ["a negative token id", { eos_token_id: -1 }, /token id below 5/],
    ["an unknown kind", { model: "rwkv" }, /kind "rwkv"/],
    ["no kind", { model: undefined }, /kind null/],
    ["a kind that is no string", { model: 7 }, /a string for tokenizer\.ggml\.model/],
    ["an unknown pre-tokenizer", { pre: "qwen99" }, /pre-tokenizer "qwen99"/],
    ["a flag that is no boolean", { add_bos_token: "yes" }, /a boolean/],
    ["merges of tokens it lacks", { merges: ["a zz"] }, /refused/],
    ["merges that are no pairs", { merges: ["ab"] }, /refused/],
  ])("refuses %s", (_, changes, message) => {
    expect(() => fromGguf(metadata(changes))).toThrow(message);
    expect(() => fromGguf(metadata(changes))).toThrow(TokenizerError);
  });

  it("takes tokens named like parts of Object.prototype", async () => {
    const tokens = ["__proto__", "constructor", "a", "b", "toString"];
    const tokenizer = fromGguf(metadata({ tokens, merges: [], token_type: [3, 3, 1, 1, 3] }));
    expect(await tokenizer.encode("__proto__aconstructor")).toEqual([0, 2, 1]);
  });
});
