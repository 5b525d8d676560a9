import type { JsonObject } from "../../../fields/index.ts";
import { RequestProblem } from "../../../http/request-problem.ts";
import type { ResponseStore, StoredResponse } from "../../../response-store/index.ts";

/** The response that a request asks about. @throws {RequestProblem} when it is not there */
export function findResponse(id: string, responses: ResponseStore): StoredResponse {
  const found = responses.get(id);
  if (found === undefined) throw missing(id, responses);
  return found;
}

/** That there is no such response. */
export function missing(id: string, responses: ResponseStore): RequestProblem {
  return new RequestProblem("not-found", `Response with id ${quoted(id)} not found; ${keptBy(responses)}`);
}

/** The response that a request goes on with. @throws {RequestProblem} when it is not there */
export function findPrevious(id: string, responses: ResponseStore): StoredResponse {
  const found = responses.get(id);
  if (found !== undefined) return found;
  const message = `Previous response with id ${quoted(id)} not found; ${keptBy(responses)}. Send the whole conversation as input`;
  throw new RequestProblem("invalid", message, {
    param: "previous_response_id",
    code: "previous_response_not_found",
  });
}

/** What ids of items have of the id of the response that they came with. */
const MARK = /_([0-9a-f]+)/;

/** The item of a kept response that an `item_reference` stands for. @throws {RequestProblem} when it is not there */
export function findItem(id: string, responses: ResponseStore, path: string): JsonObject {
  const stored = responses.get(`resp_${MARK.exec(id)?.[1]}`);
  const item = stored?.conversation.findLast((each) => each.id === id);
  if (item !== undefined) return item;
  const message = `Item with id ${quoted(id)} not found; ${keptBy(responses)}. Send the item itself`;
  throw new RequestProblem("invalid", message, { param: path });
}

const quoted = (id: string): string => JSON.stringify(id);

const keptBy = ({ maxResponses }: ResponseStore): string =>
  maxResponses === 0
    ? "this server keeps none"
    : `this server keeps no more than its last ${maxResponses} stored responses, in memory`;
