import { type JsonObject, nonEmptyText, readFields, required, text } from "../../../fields/index.ts";
import type { ResponseStore } from "../../../response-store/index.ts";
import { findItem } from "./find-stored.ts";

/** The items of an input, with those that it refers to in their places. @throws {RequestProblem} */
export function readItems(input: string | readonly JsonObject[], responses: ResponseStore): JsonObject[] {
  if (typeof input === "string") return [{ type: "message", role: "user", content: input }];
  return input.map((item, index) => {
    if (item.type !== "item_reference") return item;
    const path = `input[${index}]`;
    const { id } = readFields(item, { type: text, id: required(nonEmptyText) }, path);
    return findItem(id, responses, `${path}.id`);
  });
}

const PREFIXES: Readonly<Record<string, string>> = {
  message: "msg",
  reasoning: "rs",
  function_call: "fc",
  function_call_output: "fc",
};

/** Items as they are listed: each with an id, and texts as parts. @param mark - of the response that they came with */
export function markItems(items: readonly JsonObject[], mark: string): JsonObject[] {
  return items.map((item, index) => {
    const { type = "message", id, status, role, content } = item;
    const partType = role === "assistant" ? "output_text" : "input_text";
    return {
      ...item,
      type,
      id: id ?? `${PREFIXES[`${type}`]}_${mark}_in_${index}`,
      status: status ?? "completed",
      ...(typeof content === "string" ? { content: [{ type: partType, text: content }] } : {}),
    };
  });
}
