import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { MESSAGES_FIELDS } from "../src/dialects/anthropic/messages-fields.ts";
import {
  GENERATE_FIELDS,
  CHAT_FIELDS as OLLAMA_FIELDS,
  OPTION_FIELDS,
} from "../src/dialects/ollama/ollama-fields.ts";
import { CHAT_FIELDS } from "../src/dialects/openai/chat/chat-fields.ts";
import { COMPLETION_FIELDS } from "../src/dialects/openai/completions.ts";
import { RESPONSES_FIELDS } from "../src/dialects/openai/responses/responses-fields.ts";

const guide = readFileSync(new URL("../../../docs/server.md", import.meta.url), "utf8");

const TABLES: [string, object][] = [
  ["`/v1/chat/completions`", CHAT_FIELDS],
  ["`/v1/completions`", COMPLETION_FIELDS],
  ["`/v1/responses`", RESPONSES_FIELDS],
  ["`/v1/messages`", MESSAGES_FIELDS],
  ["`/api/chat`", OLLAMA_FIELDS],
  ["`/api/generate`", GENERATE_FIELDS],
  ["`options` of Ollama", OPTION_FIELDS],
];

/** The names that one list of a section of the guide holds. */
function listed(section: string, title: string): string[] {
  const text = new RegExp(`^- ${title}[^:]*:(.*?)(?=^- |^$)`, "ms").exec(section)?.[1] ?? "";
  return [...text.matchAll(/`([^`]+)`/g)].map(([, name = ""]) => name).sort();
}

test.each(TABLES)("the guide says what becomes of each field of %s", (heading, rules) => {
  const [, rest = ""] = guide.split(`### ${heading}\n\n`);
  const [section = ""] = rest.split(/^#/m);
  const named = (use: string | undefined) =>
    Object.entries(rules)
      .filter(([, rule]) => rule.use === use)
      .map(([name]) => name)
      .sort();
  expect(listed(section, "Carried out")).toEqual(named(undefined));
  expect(listed(section, "Passed over")).toEqual(named("harmless"));
  expect(listed(section, "Refused")).toEqual(named("refused"));
});
