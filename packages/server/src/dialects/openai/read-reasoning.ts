import { type ReasoningOption, toReasoning } from "abstractllm";
import { flag, HARMLESS, integer, type JsonObject, readFields, refused } from "../../fields/index.ts";
import { effortCheck } from "./effort-check.ts";

/** How much to think, in all the words that requests have for it. */
export interface AskedReasoning {
  readonly effort?: Parameters<typeof toReasoning>[0];
  /** Most tokens of it; below 0 is no limit. */
  readonly limit?: number | undefined;
  readonly isOn?: boolean | undefined;
}

/** What becomes of a limit where an effort is asked for as well. */
const LIMIT_NOTE = "The limit of reasoning tokens says how much is thought; the effort was passed over";

/** One option of all that was asked, the strictest first, and what is to be said about it. */
export function readReasoning({ effort, limit = -1, isOn }: AskedReasoning): {
  reasoning: ReasoningOption | undefined;
  notes: readonly string[];
} {
  const level = isOn === false ? false : toReasoning(effort);
  if (limit < 0 || level === false) return { reasoning: level ?? isOn, notes: [] };
  return { reasoning: { maxTokens: limit }, notes: level === undefined ? [] : [LIMIT_NOTE] };
}

/** Reads the object `reasoning`, with OpenRouter's names beside OpenAI's. @throws {RequestProblem} naming the field */
export function readReasoningObject(reasoning: JsonObject): AskedReasoning {
  const rules = {
    effort: effortCheck,
    max_tokens: integer,
    enabled: flag,
    exclude: refused("thoughts are always shown", false),
    summary: HARMLESS, // thoughts are always shown
    generate_summary: HARMLESS,
    mode: refused("there is one", "standard"),
  };
  const { effort, max_tokens: limit, enabled: isOn } = readFields(reasoning, rules, "reasoning");
  return { effort, limit, isOn };
}
