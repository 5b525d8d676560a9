import type { ListedModel } from "abstractllm";
import { seconds } from "./completion-usage.ts";

/** One model of `/v1/models`. */
export function writeModel({ id, createdAt, ownedBy }: ListedModel): object {
  return {
    id,
    object: "model",
    created: createdAt === undefined ? 0 : seconds(createdAt),
    owned_by: ownedBy ?? "abstractllm",
  };
}

/** An answer of `/v1/models`. */
export const writeModels = (models: readonly ListedModel[]): object => ({
  object: "list",
  data: models.map(writeModel),
});
