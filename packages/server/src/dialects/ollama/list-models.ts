import { type Capabilities, type ListedModel, type ModelCapabilities, ModelCapability } from "abstractllm";

/** What nobody here knows of a model's file. */
const NO_DETAILS = {
  parent_model: "",
  format: "",
  family: "",
  families: [],
  parameter_size: "",
  quantization_level: "",
};

/** An answer of `/api/tags`. */
export function writeTags(models: readonly ListedModel[]): object {
  return {
    models: models.map(({ id, createdAt }) => ({
      name: id,
      model: id,
      modified_at: (createdAt ?? new Date(0)).toISOString(),
      size: 0,
      digest: "",
      details: NO_DETAILS,
    })),
  };
}

/** An answer of `/api/ps`: the models that were asked for. */
export function writeRunning(names: readonly string[]): object {
  return {
    models: names.map((name) => ({
      name,
      model: name,
      size: 0,
      size_vram: 0,
      digest: "",
      details: NO_DETAILS,
    })),
  };
}

/** An answer of `/api/show`. @param known - what is published of the model */
export function writeShow(can: Capabilities, known: ModelCapabilities | undefined): object {
  const abilities: [string, boolean | undefined][] = [
    ["completion", true],
    ["vision", can[ModelCapability.VISION]],
    ["tools", can[ModelCapability.TOOL_USE]],
    ["thinking", known?.reasoning],
    ["embedding", can[ModelCapability.EMBEDDINGS]],
  ];
  return {
    modelfile: "",
    parameters: "",
    template: "",
    license: "",
    details: NO_DETAILS,
    model_info: known?.contextWindow === undefined ? {} : { "general.context_length": known.contextWindow },
    capabilities: abilities.filter(([, isThere]) => isThere === true).map(([name]) => name),
  };
}
