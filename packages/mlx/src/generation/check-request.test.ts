import { describe, expect, it } from "vitest";
import type { GenerateRequest } from "../engine/types.ts";
import { InvalidArgumentError } from "../errors.ts";
import { checkPromptBits, checkPromptTokens, checkRequest } from "./check-request.ts";

const VOCAB = 1000;

const check = (options: Record<string, unknown>): void =>
  checkRequest({ prompt: "x", maxTokens: 1, ...options } as GenerateRequest, VOCAB);

const values: readonly unknown[] = [
  -1,
  0,
  0.5,
  1,
  2 ** 31,
  2 ** 53,
  1e308,
  Number.NaN,
  Number.POSITIVE_INFINITY,
  "1",
  "",
  null,
  true,
  [1],
  {},
];

const accepted: [keyof GenerateRequest, readonly unknown[]][] = [
  ["maxTokens", [0, 1, 2 ** 31]],
  ["logprobs", [0, 1]],
  ["promptLogprobs", [0, 1]],
  ["prefillStepSize", [1, 2 ** 31]],
  ["temperature", [0, 0.5, 1]],
  ["topP", [0, 0.5, 1]],
  ["minP", [0, 0.5, 1]],
  ["topK", [0, 1, 2 ** 31]],
  ["repetitionPenalty", [0.5, 1]],
  ["repetitionContextSize", [0, 1, 2 ** 31]],
  ["presencePenalty", [-1, 0, 0.5, 1]],
  ["frequencyPenalty", [-1, 0, 0.5, 1]],
  ["seed", [0, 1, 2 ** 31]],
  ["ignoreEos", [true]],
  ["logitBias", [{}]],
  ["stop", []],
];

describe.each(accepted)("%s", (name, allowed) => {
  it.each(values.map((value) => [value]))("judges %o by what the documentation says", (value) => {
    const run = () => check({ [name]: value });
    if (
      allowed.some(
        (a) => Object.is(a, value) || (typeof a === "object" && a !== null && value === values.at(-1)),
      )
    ) {
      expect(run).not.toThrow();
      return;
    }
    expect(run).toThrow(InvalidArgumentError);
    expect(run).toThrow(new RegExp(`\\b${name}\\b`));
  });
});

it("needs maxTokens, and nothing else", () => {
  expect(() => check({ maxTokens: undefined })).toThrow("maxTokens but it is missing");
  expect(() => checkRequest({ prompt: "x", maxTokens: 5 }, VOCAB)).not.toThrow();
});

it("passes options that are there but undefined", () => {
  const options = Object.fromEntries(accepted.map(([name]) => [name, undefined]));
  expect(() => check({ ...options, maxTokens: 1 })).not.toThrow();
});

it.each(["max_tokens", "topp", "Temperature", "__proto_", "n"])("refuses the unknown option %s", (name) => {
  expect(() => check({ [name]: 1 })).toThrow(`There is no option ${name}; the options are prompt`);
});

it.each([
  [{ 5: Number.NaN }, "logitBias[5]"],
  [{ 5: 1001 }, "between -1000 and 1000 for logitBias[5]"],
  [{ 5: "1" }, 'logitBias[5] but received string "1"'],
  [{ 1000: 1 }, "token ids below 1000"],
  [{ "-1": 1 }, "token ids below 1000"],
  [{ 1.5: 1 }, "token ids below 1000"],
  [{ hello: 1 }, "token ids below 1000"],
])("refuses the bias %o", (logitBias, message) => expect(() => check({ logitBias })).toThrow(message));

it("accepts a bias at the edges", () => {
  expect(() => check({ logitBias: { 0: -1000, 999: 1000 } })).not.toThrow();
});

it.each([[[""]], [[1]], [[null]], ["END"], [new Array(65).fill("a")]])(
  "refuses the stop strings %o",
  (stop) => expect(() => check({ stop })).toThrow("64 non-empty strings for stop"),
);

it.each([[[]], [["a"]], [["a".repeat(10_240)]], [new Array(64).fill("a")]])("accepts stop strings", (stop) =>
  expect(() => check({ stop })).not.toThrow(),
);

it("says what it was given, shortened", () => {
  expect(() => check({ temperature: "hot" })).toThrow(
    'Expected a number between 0 and 100 for temperature but received string "hot"',
  );
  expect(() => check({ topK: "9".repeat(10_000) })).toThrow(/^.{0,120}$/);
});

it("accepts the bits that activations in prompts can have, and no others", () => {
  for (const bits of [undefined, 8, 16]) expect(() => checkPromptBits(bits)).not.toThrow();
  for (const bits of [0, 4, 12, 8.5, Number.NaN]) expect(() => checkPromptBits(bits)).toThrow("promptBits");
});

it.each([[[-1]], [[VOCAB]], [[2 ** 31]], [[0.5]], [[Number.NaN]], [[0, 1, 2, VOCAB]]])(
  "refuses the prompt tokens %o",
  (tokens) => expect(() => checkPromptTokens(tokens, VOCAB)).toThrow("outside of the vocabulary of 1000"),
);

it("refuses an empty prompt and accepts the edges of the vocabulary", () => {
  expect(() => checkPromptTokens([], VOCAB)).toThrow("The prompt is empty");
  expect(() => checkPromptTokens([0, VOCAB - 1], VOCAB)).not.toThrow();
});

it("accepts tokens outside of the vocabulary that stand for images, and no others", () => {
  const isImage = (id: number): boolean => id === -200;
  expect(() => checkPromptTokens([1, -200], VOCAB, isImage)).not.toThrow();
  expect(() => checkPromptTokens([1, -201], VOCAB, isImage)).toThrow("Token id -201");
});
