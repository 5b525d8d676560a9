import { type ReasoningOption, toReasoning } from "abstractllm";
import { flag, HARMLESS, integer, type JsonObject, readFields, refused } from "../../fields/index.ts";
import { withinLimit } from "../within-limit.ts";
import { effortCheck } from "./effort-check.ts";

/** How much to think, in all the words that requests have for it. */
export interface AskedReasoning {
  readonly effort?: Parameters<typeof toReasoning>[0];
  /** Most tokens of it; below 0 is no limit. */
  readonly limit?: number | undefined;
  readonly isOn?: boolean | undefined;
}

/** One option of all that was asked. */
export function readReasoning({ effort, limit = -1, isOn }: AskedReasoning): ReasoningOption | undefined {
  const level = isOn === false ? false : toReasoning(effort);
  return limit < 0 || level === false ? (level ?? isOn) : withinLimit(limit, level);
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
