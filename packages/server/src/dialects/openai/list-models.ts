import type { ListedModel } from "abstractllm";
import type { ModelWriter } from "../model-writer.ts";
import { seconds } from "./completion-usage.ts";

/** One model of `/v1/models`. */
function writeModel({ id, createdAt, ownedBy }: ListedModel): object {
  return {
    id,
    object: "model",
    created: createdAt === undefined ? 0 : seconds(createdAt),
    owned_by: ownedBy ?? "abstractllm",
  };
}

/** An answer of `/v1/models`. */
const writeModels = (models: readonly ListedModel[]): object => ({
  object: "list",
  data: models.map(writeModel),
});

/** Models as OpenAI writes them. */
export const openAIModels: ModelWriter = { one: writeModel, all: writeModels };
