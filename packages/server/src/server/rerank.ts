import { readRerank, writeRerank } from "../dialects/rerank.ts";
import type { Exchange } from "../http/exchange.ts";
import { readBody } from "./read-call.ts";
import type { Services } from "./route.ts";

/** `/v1/rerank`, `/v2/rerank` and `/rerank`. */
export async function rerank(exchange: Exchange, { models, options }: Services): Promise<void> {
  const { body } = await readBody(exchange, options);
  const request = readRerank(body);
  const { signal } = exchange;
  const llm = await models.open(request.model, signal);
  const model = llm.getParam("model");
  const response = await llm.rerank(request.query, request.documents, {
    ...request.options,
    ...(model === undefined ? {} : { model }),
    signal,
  });
  exchange.sendJson(writeRerank(response, request));
}
