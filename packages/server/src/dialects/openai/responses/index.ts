import type { Operation } from "../../dialect.ts";
import { type ResponsesCall, readResponses } from "./read-responses.ts";
import { ResponseEvents } from "./response-events.ts";
import { writeResponse } from "./write-response.ts";

export { findResponse, missing } from "./find-stored.ts";
export { listItems } from "./list-items.ts";
export { RETRIEVE_FIELDS } from "./responses-fields.ts";

/** `/v1/responses`. */
export const responsesOperation: Operation<ResponsesCall> = {
  framing: "sse",
  keepAlive: ": keep-alive\n\n",
  read: readResponses,
  whole: ([answer], call, stamp) => writeResponse(answer, call, stamp),
  events: (call, stamp) => new ResponseEvents(call, stamp),
};
