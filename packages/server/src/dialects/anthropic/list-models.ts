import type { ListedModel } from "abstractllm";
import type { ModelWriter } from "../model-writer.ts";

/** One model of `/v1/models`, as Anthropic writes it. */
function writeModel({ id, createdAt, capabilities }: ListedModel): object {
  return {
    type: "model",
    id,
    display_name: id,
    created_at: (createdAt ?? new Date(0)).toISOString(),
    max_input_tokens: capabilities.contextWindow ?? null,
    max_tokens: capabilities.maxOutputTokens ?? null,
  };
}

/** An answer of `/v1/models`: all of them on one page. */
function writeModels(models: readonly ListedModel[]): object {
  return {
    data: models.map(writeModel),
    has_more: false,
    first_id: models[0]?.id ?? null,
    last_id: models.at(-1)?.id ?? null,
  };
}

/** Models as Anthropic writes them. */
export const anthropicModels: ModelWriter = { one: writeModel, all: writeModels };
