import { expect, it } from "vitest";
import { InvalidArgumentError } from "../errors.ts";
import type { Tokenizer } from "../tokenizer/index.ts";
import { type PromptRequest, promptTokens } from "./prompt-tokens.ts";

/** Stands where no tokenizer is reached. */
const unreachable = new Proxy({} as Tokenizer, {
  get: (_, name) => {
    throw new Error(`the tokenizer's ${String(name)} was used`);
  },
});

const tokens = (prompt: unknown) => promptTokens(unreachable, { prompt } as PromptRequest);

it.each([
  [null],
  [undefined],
  [5],
  [{}],
  [true],
  [["a"]],
  [[1, "a"]],
  [[{ role: "user", content: "x" }, 1]],
  [[null]],
])("refuses the prompt %o", async (prompt) => {
  await expect(tokens(prompt)).rejects.toThrow(InvalidArgumentError);
  await expect(tokens(prompt)).rejects.toThrow(
    "list of messages or a list of token ids for prompt but received",
  );
});

it("leaves token ids as they are, in a list of its own", async () => {
  const ids = [5, 0, 2 ** 31];
  expect(await tokens(ids)).toEqual(ids);
  expect(await tokens(ids)).not.toBe(ids);
});
