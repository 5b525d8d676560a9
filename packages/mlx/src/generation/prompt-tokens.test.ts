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

it("refuses a text that no context holds before it is encoded", async () => {
  const text = "x".repeat(8 * 2 ** 20 + 1);
  const half = text.slice(2 ** 22);
  for (const prompt of [
    text,
    [
      { role: "user", content: half },
      { role: "user", content: [{ type: "text", text: half }] },
    ],
  ]) {
    await expect(tokens(prompt)).rejects.toMatchObject({ code: "context-length" });
    await expect(tokens(prompt)).rejects.toThrow("Shorten the prompt");
  }
});

it("leaves token ids as they are, in a list of its own", async () => {
  const ids = [5, 0, 2 ** 31];
  expect(await tokens(ids)).toEqual(ids);
  expect(await tokens(ids)).not.toBe(ids);
});
