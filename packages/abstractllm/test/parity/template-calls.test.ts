import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { createAnswerReader } from "../../src/dialects/index.ts";
import type { ToolSpec } from "../../src/index.ts";

interface Golden {
  tool: ToolSpec;
  arguments: Record<string, unknown>;
  cases: { template: string; dialect: string; text: string }[];
}

const golden = JSON.parse(
  readFileSync(new URL("../goldens/template-calls.json", import.meta.url), "utf8"),
) as Golden;

/** M3 writes elements of its own, for which mlx-lm infers the wrong parser. */
const cases = golden.cases.filter(({ template }) => template !== "MiniMax-M3.jinja");

describe("a call as a chat template writes it", () => {
  test.each(cases)("is read back: $template", ({ dialect, text }) => {
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
