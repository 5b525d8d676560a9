import { describe, expect, it } from "vitest";
import { choosePrompt, inputTypes, takesInstruction } from "./text-prompts.ts";

const prompts = (named: Record<string, string>, standard = "") => ({ named, standard });
const qwen = prompts({ query: "Instruct: Find passages\nQuery:", document: "" });
const gemma = prompts({ query: "task: search result | query: ", document: "title: none | text: " });

describe("the prompt of a text", () => {
  it.each([
    ["a query", qwen, { type: "query" }, "Instruct: Find passages\nQuery:"],
    ["a document", gemma, { type: "document" }, "title: none | text: "],
    ["a text of no type", qwen, {}, ""],
    ["a text of no type, where there is a default", prompts({ a: "b" }, "b"), {}, "b"],
    ["a document, where there is one for queries alone", prompts({ query: "q: " }), { type: "document" }, ""],
    ["a passage", prompts({ query: "q: ", passage: "p: " }), { type: "document" }, "p: "],
    ["a query with an instruction", qwen, { instruction: "Find $1" }, "Instruct: Find $1\nQuery:"],
    [
      "a query with an instruction, in Gemma's form",
      gemma,
      { type: "query", instruction: "classification" },
      "task: classification | query: ",
    ],
  ] as const)("of %s", (_, given, options, expected) => {
    expect(choosePrompt(given, options)).toBe(expected);
  });

  it("is refused where a model has none", () => {
    expect(() => choosePrompt(prompts({}), { type: "query" })).toThrow("no prompts");
    expect(() => choosePrompt(prompts({ sts: "s: " }), { type: "document" })).toThrow("no prompts");
    expect(() => choosePrompt(prompts({ query: "query: " }), { instruction: "Find" })).toThrow("no place");
    expect(() => choosePrompt(qwen, { type: "document", instruction: "Find" })).toThrow("for queries");
  });
});

it("tells what prompts know", () => {
  expect(inputTypes(qwen)).toEqual(["query", "document"]);
  expect(inputTypes(prompts({ sts: "s: " }))).toEqual([]);
  expect([qwen, gemma, prompts({ query: "query: " })].map(takesInstruction)).toEqual([true, true, false]);
});
