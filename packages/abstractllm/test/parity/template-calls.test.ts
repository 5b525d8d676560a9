import { describe, expect, test } from "vitest";
import { createAnswerReader } from "../../src/dialects/index.ts";
import { readTemplateCalls } from "../support/template-calls.ts";

const golden = readTemplateCalls();

describe("a call as a chat template writes it", () => {
  test.each(golden.cases)("is read back: $template", ({ dialect, text }) => {
    const reader = createAnswerReader({
      dialect,
      reasoning: { start: "<think>", end: "</think>" },
      tools: [golden.tool],
      usedIds: new Set(),
      emit: () => {},
    });
    reader.push(text);
    reader.end(false);
    expect(reader.toolCalls).toMatchObject([{ name: golden.tool.name, arguments: golden.arguments }]);
  });
});
