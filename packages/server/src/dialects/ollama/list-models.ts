import { createHash } from "node:crypto";
import {
  type Capabilities,
  type ListedModel,
  type LoadedModelInfo,
  type ModelCapabilities,
  ModelCapability,
} from "abstractllm";
import type { RunningModel } from "../../models/index.ts";

/** What is said of a model's file and weights. */
interface ModelDetails {
  readonly parent_model: string;
  readonly format: string;
  readonly family: string;
  readonly families: readonly string[];
  readonly parameter_size: string;
  readonly quantization_level: string;
}

/** Of a model that nobody here knows anything of. */
const NO_DETAILS: ModelDetails = {
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

/** An answer of `/api/ps`. Models stay until others need their place. */
export function writeRunning(models: readonly RunningModel[]): object {
  return {
    models: models.map(({ name, loaded }) => ({
      ...named(name, bytesOf(loaded)),
      details: detailsOf(loaded[0]),
      expires_at: NEVER,
      size_vram: bytesOf(loaded.filter(({ device }) => device === "gpu")),
      context_length: loaded[0]?.contextLength ?? 0,
    })),
  };
}

const bytesOf = (models: readonly LoadedModelInfo[]): number =>
  models.reduce((sum, { weightBytes }) => sum + weightBytes, 0);

function detailsOf(model: LoadedModelInfo | undefined): ModelDetails {
  if (model === undefined) return NO_DETAILS;
  const { modelType, parameterCount, bits } = model;
  return {
    ...NO_DETAILS,
    family: modelType,
    families: [modelType],
    parameter_size: inWords(parameterCount),
    quantization_level: bits === undefined ? "" : `Q${bits}`,
  };
}

/** A count as Ollama has it: `8.0B`, `134.52M`. */
function inWords(count: number): string {
  if (count >= 1e9) return `${(count / 1e9).toFixed(1)}B`;
  return count >= 1e6 ? `${(count / 1e6).toFixed(2)}M` : `${(count / 1e3).toFixed(2)}K`;
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
