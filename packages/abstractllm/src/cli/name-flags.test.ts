import { expect, test } from "vitest";
import { MODEL_FLAGS, SAMPLING_FLAGS } from "./flags.ts";
import { nameFlags } from "./name-flags.ts";

const named = (message: string) => nameFlags(message, [...MODEL_FLAGS, ...SAMPLING_FLAGS]);

test.each([
  ["Expected integer of at least 1 for maxTokens but received number 0", "for --max-tokens but received"],
  ['Expected number between 0 and 2 for temperature but received string "hot"', "for --temperature but"],
  ['The ollama provider does not support the option "cacheDir"; leave', "the option --cache-dir; leave"],
  ["The answer was cut off; raise maxTokens or ask for less", "raise --max-tokens or ask"],
  ["chatTemplate: false sends a text as it is", "--no-chat-template sends a text as it is"],
  ["ignoreEos: true leaves it no end", "--ignore-eos leaves it no end"],
  ["name one with the option model", "with the option --model"],
  ["give systemPrompt once", "give --system once"],
])("%s", (message, expected) => {
  expect(named(message)).toContain(expected);
});

test.each([
  "The model has no chat template; stop it in time, with another seed",
  'received string "maxTokens"',
  "/home/me/models/maxTokensModel",
  "set OPENAI_API_KEY or the option apiKey", // which has no flag
])("leaves alone what is no option: %s", (message) => {
  expect(named(message)).toBe(message);
});
