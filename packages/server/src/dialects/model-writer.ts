import type { ListedModel } from "abstractllm";

/** How a dialect writes models. */
export interface ModelWriter {
  one(model: ListedModel): object;
  all(models: readonly ListedModel[]): object;
}
