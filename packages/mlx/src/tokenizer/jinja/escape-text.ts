import type { Budget } from "./budget.ts";

const ENTITIES: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&#34;",
  "'": "&#39;",
};

/** HTML-escapes a text as Python's markupsafe does. */
export function escapeText(text: string, budget: Budget): string {
  budget.newText(text.length);
  const escaped = text.replace(/[&<>"']/g, (char) => ENTITIES[char] ?? char);
  budget.newText(escaped.length);
  return escaped;
}
