import { type JsonObject, nonEmptyText, oneOf, readFields } from "../../../fields/index.ts";
import { RequestProblem } from "../../../http/request-problem.ts";
import { INCLUDE } from "./responses-fields.ts";

const LIST_FIELDS = {
  order: oneOf("asc", "desc"),
  limit: nonEmptyText,
  after: nonEmptyText,
  include: INCLUDE,
} as const;

/** Most items of a page, and how many there are where nobody asks. */
const MAX_LIMIT = 100;
const DEFAULT_LIMIT = 20;

/**
 * A page of items.
 *
 * @param items - the oldest first
 * @param query - `order` (`desc` unless it is said), `limit` and `after`
 * @throws {RequestProblem} naming the parameter
 */
export function listItems(items: readonly JsonObject[], query: JsonObject): object {
  const { order = "desc", limit, after } = readFields(query, LIST_FIELDS);
  const ordered = order === "asc" ? items : items.toReversed();
  const start = after === undefined ? 0 : placeOf(after, ordered) + 1;
  const data = ordered.slice(start, start + readLimit(limit));
  return {
    object: "list",
    data,
    first_id: data[0]?.id ?? null,
    last_id: data.at(-1)?.id ?? null,
    has_more: start + data.length < ordered.length,
  };
}

function placeOf(id: string, items: readonly JsonObject[]): number {
  const at = items.findIndex((item) => item.id === id);
  if (at >= 0) return at;
  throw new RequestProblem("invalid", "There is no such item among this response's", { param: "after" });
}

function readLimit(given: string | undefined): number {
  const limit = given === undefined ? DEFAULT_LIMIT : Number(given);
  if (Number.isInteger(limit) && limit >= 1 && limit <= MAX_LIMIT) return limit;
  throw new RequestProblem("invalid", `Expected integer between 1 and ${MAX_LIMIT} for limit`, {
    param: "limit",
  });
}
