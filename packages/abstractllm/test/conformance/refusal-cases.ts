import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type AbstractLLM, AbstractLLMError, type GenerateOptions, type Prompt } from "../../src/index.ts";
import type { Subject } from "./subject.ts";

type Case = [what: string, prompt: unknown, options: GenerateOptions, name: string, message: string];

const CASES: readonly Case[] = [
  [
    "an unknown option",
    "x",
    { maxTokns: 1 } as GenerateOptions,
    "InvalidParameterError",
    'did you mean "maxTokens"?',
  ],
  [
    "a value out of range",
    "x",
    { temperature: 3 },
    "InvalidParameterError",
    "Expected number between 0 and 2",
  ],
  ["a prompt of the wrong type", 5, {}, "InvalidParameterError", "for prompt but received number 5"],
  ["an empty conversation", [], {}, "InvalidRequestError", "no messages"],
  ["a file that is not there", "x", { files: ["/no/such/file.txt"] }, "FileProcessingError", "no such file"],
];

/** What every provider refuses, with which error. */
export function refusalCases(subject: Subject): void {
  describe("refuses", () => {
    let llm: AbstractLLM;
    beforeAll(async () => {
      llm = await subject.open();
    });
    afterAll(() => llm.unload());

    test.each(CASES)("%s", async (_, prompt, options, name, message) => {
      const error = await llm.generate(prompt as Prompt, { ...options, stream: false }).catch((e) => e);
      expect(AbstractLLMError.isInstance(error)).toBe(true);
      expect(error).toMatchObject({ name, message: expect.stringContaining(message) });
    });

    test("a prompt over maxInputTokens, or a limit that it cannot keep", async () => {
      const error = await llm.generate("one two three four five", { maxInputTokens: 2 }).catch((e) => e);
      const canCount = !subject.lacks.has("token counting");
      expect(error.name).toBe(canCount ? "ContextWindowExceededError" : "UnsupportedFeatureError");
      expect(error.message).toContain(canCount ? "2" : "maxInputTokens");
    });

    test("a configuration with an unknown option", async () => {
      await expect(subject.open({ temprature: 1 } as object)).rejects.toMatchObject({
        name: "InvalidParameterError",
      });
    });
  });
}
