import { createHash } from "node:crypto";
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

/** What is known of a model by its name. Clients take the first digits of the digest for its id. */
const named = (name: string, sizeBytes = 0) => ({
  name,
  model: name,
  size: sizeBytes,
  digest: createHash("sha256").update(name).digest("hex"),
  details: NO_DETAILS,
});

/** When a model goes that stays. */
const NEVER = "9999-12-31T23:59:59Z";

/** An answer of `/api/tags`. */
export function writeTags(models: readonly ListedModel[]): object {
  return {
    models: models.map(({ id, createdAt, sizeBytes }) => ({
      ...named(id, sizeBytes),
      modified_at: (createdAt ?? new Date(0)).toISOString(),
    })),
  };
}

/** An answer of `/api/ps`: the models that were asked for. */
export function writeRunning(names: readonly string[]): object {
  return {
    models: names.map((name) => ({ ...named(name), size_vram: 0, expires_at: NEVER, context_length: 0 })),
  };
}

/** Clients look for facts under the name of the architecture, which nobody here knows. */
const ARCHITECTURE = "abstractllm";

/** An answer of `/api/show`. @param known - what is published of the model */
export function writeShow(name: string, can: Capabilities, known: ModelCapabilities | undefined): object {
  const abilities: [string, boolean | undefined][] = [
    ["completion", can[ModelCapability.STREAMING]],
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
    model_info: {
      "general.architecture": ARCHITECTURE,
      "general.basename": name,
      ...(known?.contextWindow === undefined
        ? {}
        : { [`${ARCHITECTURE}.context_length`]: known.contextWindow }),
    },
    capabilities: abilities.filter(([, isThere]) => isThere === true).map(([name]) => name),
  };
}
