import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { TemplateError } from "../../../src/errors.ts";
import { renderTemplate } from "../../../src/tokenizer/jinja/index.ts";

interface Golden {
  now: string;
  variables: Record<string, unknown>;
  cases: [template: string, outcome: string][];
}

const golden: Golden = JSON.parse(readFileSync(new URL("goldens/snippets.json", import.meta.url), "utf8"));

/** What came out, or an error; of errors only `raise_exception`'s words are compared. */
function outcome(template: string): string {
  try {
    return `ok: ${renderTemplate(template, golden.variables, {}, () => new Date(golden.now))}`;
  } catch (error) {
    if (!TemplateError.isInstance(error)) throw error;
    return error.details.problem === "raised" ? `raised: ${error.message}` : "error";
  }
}

describe("a template", () => {
  it.each(golden.cases)("%j gives what Jinja gives", (template, expected) => {
    expect(outcome(template)).toBe(expected);
  });
});
