import { findResponse, listItems, missing, RETRIEVE_FIELDS } from "../dialects/openai/responses/index.ts";
import { type JsonObject, readFields } from "../fields/index.ts";
import type { Exchange } from "../http/exchange.ts";
import { RequestProblem } from "../http/request-problem.ts";
import { nameIn, type Services } from "./route.ts";

/** `GET /v1/responses/<id>`. */
export async function tellResponse(exchange: Exchange, { responses }: Services): Promise<void> {
  const { response } = findResponse(nameIn(exchange, "/v1/responses/*"), responses);
  readFields(queryOf(exchange), RETRIEVE_FIELDS);
  exchange.sendJson(response);
}

/** `POST /v1/responses/<id>/cancel`, for responses in the background: those that are kept have ended. */
export async function cancelResponse(exchange: Exchange, { responses }: Services): Promise<void> {
  findResponse(nameIn(exchange, "/v1/responses/*/cancel"), responses);
  const message =
    "The response has ended and was not made in the background, so that it cannot be cancelled; close the connection to end one that is being made";
  throw new RequestProblem("invalid", message);
}

/** `DELETE /v1/responses/<id>`. */
export async function removeResponse(exchange: Exchange, { responses }: Services): Promise<void> {
  const id = nameIn(exchange, "/v1/responses/*");
  if (!responses.delete(id)) throw missing(id, responses);
  exchange.sendJson({ id, object: "response", deleted: true });
}

/** `GET /v1/responses/<id>/input_items`. */
export async function listInputItems(exchange: Exchange, { responses }: Services): Promise<void> {
  const { input } = findResponse(nameIn(exchange, "/v1/responses/*/input_items"), responses);
  exchange.sendJson(listItems(input, queryOf(exchange)));
}

/** The parameters of an address; what is there several times, or marked as a list, is one. */
function queryOf({ query }: Exchange): JsonObject {
  const names = [...new Set(query.keys())];
  return Object.fromEntries(
    names.map((name) => {
      const values = query.getAll(name);
      return [name.replace(/\[\]$/, ""), values.length === 1 ? values[0] : values];
    }),
  );
}
