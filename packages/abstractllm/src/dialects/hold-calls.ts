import type { ToolSpec } from "../interface/tool.ts";
import { dialectOf } from "./dialect-table.ts";
import { type Grammar, type HeldPart, listOf } from "./grammar/index.ts";
import { harmonyParts } from "./harmony-calls.ts";
import type { CallForm } from "./tool-dialect.ts";

/**
 * The parts of an answer that are calls of these tools, from where the model opens one to its end.
 *
 * @returns undefined for a dialect whose calls no grammar describes
 * @throws {UnheldSchema} for parameters that the dialect has no form for
 */
export function heldCalls(dialect: string, tools: readonly ToolSpec[]): readonly HeldPart[] | undefined {
  if (dialect === "harmony") return harmonyParts(tools);
  const { start, end, held, heldBare } = dialectOf(dialect) ?? {};
  if (start === undefined || held === undefined) return undefined;
  const block = { anyOf: held.map((form) => blockOf(form, tools)) };
  const part = end === undefined ? { start, grammar: block, isLast: true } : { start, grammar: [block, end] };
  return [part, ...(heldBare?.(tools) ?? [])];
}

/**
 * An answer that is one call of these tools.
 *
 * @returns undefined for a dialect in which other things come before a call, or whose calls no grammar describes
 * @throws {UnheldSchema} for parameters that the dialect has no form for
 */
export function forcedCall(dialect: string, tools: readonly ToolSpec[]): Grammar | undefined {
  const { start, end = "", held, forcedStart = start } = dialectOf(dialect) ?? {};
  if (forcedStart === undefined || held === undefined) return undefined;
  const forms = held.map(({ before = "", after = "", call }) => [before, anyCall(call, tools), after]);
  return [forcedStart, { anyOf: forms }, end];
}

function blockOf({ before = "", between, after = "", call }: CallForm, tools: readonly ToolSpec[]): Grammar {
  const one = anyCall(call, tools);
  return [before, between === undefined ? one : listOf(one, between), after];
}

const anyCall = (call: CallForm["call"], tools: readonly ToolSpec[]): Grammar => ({ anyOf: tools.map(call) });
