import { expect, test } from "vitest";
import { TextTokens } from "./text-tokens.ts";

const token = (text: string, bytes: readonly number[] = [...Buffer.from(text)]) => ({
  token: text,
  bytes,
  logprob: -1,
  topLogprobs: [],
});

/** The texts of the tokens that are taken with a text. */
const taken = (tokens: readonly ReturnType<typeof token>[], text: string): string[] => {
  const found = new TextTokens();
  found.push(tokens);
  return found.take(text).map((one) => one.token);
};

test.each<[what: string, tokens: string[], text: string, expected: string[]]>([
  ["the text alone", ["Yes", ","], "Yes,", ["Yes", ","]],
  ["reasoning and its mark before it", ["Hm", "</think>", "Yes"], "Yes", ["Yes"]],
  ["white space before it that is cut off", ["</think>", "\n\n", "Yes"], "Yes", ["Yes"]],
  ["a text that begins like what is before it", ["Yes?", "</think>", "Yes", "!"], "Yes!", ["Yes", "!"]],
  ["the end mark after it", ["</think>", "Yes", "<|end|>"], "Yes", ["Yes", "<|end|>"]],
  ["a text that goes on", ["</think>", "Ye"], "Yes", ["Ye"]],
  ["texts of tokens in another spelling", ["Hello", "\u0120there"], " there", ["Hello", "\u0120there"]],
  ["empty tokens", ["", "Yes", ""], "Yes", ["", "Yes", ""]],
  ["nothing", [], "Yes", []],
])("finds the tokens of a text among %s", (_, tokens, text, expected) => {
  expect(
    taken(
      tokens.map((text) => token(text)),
      text,
    ),
  ).toEqual(expected);
});

test("knows the parts of one character by their bytes", () => {
  const [first, second] = [token("\ufffd", [0xc3]), token("\ufffd", [0xbc])];
  expect(taken([token("</think>"), first, second], "ü")).toEqual(["\ufffd", "\ufffd"]);
});

test("keeps tokens for the next text, unless they wrote something else", () => {
  const tokens = new TextTokens();
  tokens.push([token("Y")]);
  tokens.push([token("es")]);
  expect(tokens.take("Yes")).toHaveLength(2);
  tokens.push([token("Hm")]);
  tokens.passOver();
  expect(tokens.take("Hm")).toEqual([]);
});
