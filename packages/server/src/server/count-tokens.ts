import { readCount } from "../dialects/anthropic/index.ts";
import type { Exchange } from "../http/exchange.ts";
import { askedOptions, readCall } from "./read-call.ts";
import type { Services } from "./route.ts";

/** `/v1/messages/count_tokens`: what a conversation would cost. */
export async function countTokens(exchange: Exchange, services: Services): Promise<void> {
  const { signal } = exchange;
  const call = await readCall({ read: readCount }, exchange, services);
  const llm = await services.models.open(call.model, signal);
  const { allowPrivateUrls } = services.options;
  const asked = { ...askedOptions(call, llm), allowPrivateUrls, signal };
  exchange.sendJson({ input_tokens: await llm.countTokens(call.prompt, asked) });
}
