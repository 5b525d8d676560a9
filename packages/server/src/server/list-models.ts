import { findModelCapabilities, type ListedModel } from "abstractllm";
import { anthropicModels } from "../dialects/anthropic/list-models.ts";
import type { ModelWriter } from "../dialects/model-writer.ts";
import { writeRunning, writeShow, writeTags } from "../dialects/ollama/list-models.ts";
import { openAIModels } from "../dialects/openai/list-models.ts";
import { HARMLESS, nonEmptyText, readFields } from "../fields/index.ts";
import type { Exchange } from "../http/exchange.ts";
import { RequestProblem } from "../http/request-problem.ts";
import { readBody } from "./read-call.ts";
import { nameIn, type Services } from "./route.ts";

/** OpenAI and Anthropic have the same address for their models; clients of the latter say who they are. */
const dialectOf = ({ request }: Exchange): ModelWriter =>
  request.headers["anthropic-version"] === undefined ? openAIModels : anthropicModels;

/** `/v1/models`. */
export async function listModels(exchange: Exchange, { models }: Services): Promise<void> {
  exchange.sendJson(dialectOf(exchange).all(await models.list(exchange.signal)));
}

/** `/v1/models/<name>`. */
export async function tellModel(exchange: Exchange, { models }: Services): Promise<void> {
  const name = nameIn(exchange, "/v1/models/*");
  const model = (await models.list(exchange.signal)).find(({ id }) => id === name);
  exchange.sendJson(dialectOf(exchange).one(found(model)));
}

/** `/api/tags`. */
export async function listTags(exchange: Exchange, { models }: Services): Promise<void> {
  exchange.sendJson(writeTags(await models.list(exchange.signal)));
}

/** `/api/ps`. */
export async function listRunning(exchange: Exchange, { models }: Services): Promise<void> {
  exchange.sendJson(writeRunning(await models.running()));
}

/** What becomes of each field of `/api/show`. */
const SHOW_FIELDS = {
  model: nonEmptyText,
  name: nonEmptyText, // an older name of model
  verbose: HARMLESS,
  system: HARMLESS,
  template: HARMLESS,
  options: HARMLESS,
} as const;

/** `/api/show`. */
export async function showModel(exchange: Exchange, { models, options }: Services): Promise<void> {
  const { body } = await readBody(exchange, options);
  const { name, model = name } = readFields(body, SHOW_FIELDS);
  if (model === undefined) throw new RequestProblem("invalid", "model is missing", { param: "model" });
  const llm = await models.open(model, exchange.signal);
  const known = findModelCapabilities(llm.getParam("model") ?? model);
  exchange.sendJson(writeShow(model, llm.getCapabilities(), known));
}

function found(model: ListedModel | undefined): ListedModel {
  if (model !== undefined) return model;
  throw new RequestProblem("not-found", "There is no such model here", { param: "model" });
}
