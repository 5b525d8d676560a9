import type { AbstractLLM, EmbedResponse } from "abstractllm";
import type { EmbedRequest } from "../dialects/embed-request.ts";
import { readEmbed, readEmbedOne, writeEmbed, writeEmbedOne } from "../dialects/ollama/embed.ts";
import { readEmbeddings, writeEmbeddings } from "../dialects/openai/embeddings.ts";
import type { Exchange } from "../http/exchange.ts";
import { readBody } from "./read-call.ts";
import type { Services } from "./route.ts";

/** `/v1/embeddings`. */
export async function embedForOpenAI(exchange: Exchange, services: Services): Promise<void> {
  const { body } = await readBody(exchange, services.options);
  const request = readEmbeddings(body);
  exchange.sendJson(writeEmbeddings(await embed(request, exchange, services), request));
}

/** `/api/embed`. */
export async function embedForOllama(exchange: Exchange, services: Services): Promise<void> {
  const { body } = await readBody(exchange, services.options);
  const request = readEmbed(body);
  exchange.sendJson(writeEmbed(await embed(request, exchange, services), request, exchange));
}

/** `/api/embeddings`, which Ollama had before `/api/embed`. */
export async function embedOneForOllama(exchange: Exchange, services: Services): Promise<void> {
  const { body } = await readBody(exchange, services.options);
  exchange.sendJson(writeEmbedOne(await embed(readEmbedOne(body), exchange, services)));
}

async function embed(
  request: EmbedRequest,
  { signal }: Exchange,
  { models }: Services,
): Promise<EmbedResponse> {
  const llm = await models.open(request.model, signal);
  try {
    return await embedWith(llm, request, signal);
  } finally {
    if (request.isLast === true) await models.giveBack(request.model);
  }
}

function embedWith(
  llm: AbstractLLM,
  { texts, dimensions, inputType, instruction, truncate }: EmbedRequest,
  signal: AbortSignal,
): Promise<EmbedResponse> {
  const model = llm.getParam("model"); // providers have a model for embeddings where none is named
  return llm.embed(texts, {
    ...(model === undefined ? {} : { model }),
    ...(dimensions === undefined ? {} : { dimensions }),
    ...(inputType === undefined ? {} : { inputType }),
    ...(instruction === undefined ? {} : { instruction }),
    ...(truncate === undefined ? {} : { truncate }),
    signal,
  });
}
