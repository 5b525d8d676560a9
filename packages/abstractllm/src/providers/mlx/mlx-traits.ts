import type { OptionName } from "../../config/option-table.ts";
import type { ProviderTraits } from "../base-provider.ts";

const SUPPORTED: readonly OptionName[] = [
  "model",
  "temperature",
  "maxTokens",
  "maxInputTokens",
  "contextWindow",
  "topP",
  "topK",
  "minP",
  "repetitionPenalty",
  "frequencyPenalty",
  "presencePenalty",
  "logitBias",
  "stop",
  "seed",
  "chatTemplate",
  "templateVariables",
  "ignoreEos",
  "device",
  "quantize",
  "loadIn8bit",
  "loadIn4bit",
  "exact",
  "fallbackModels",
  "cacheDir",
  "revision",
  "token",
  "endpoint",
  "offline",
  "maxBatchSize",
  "maxCachedModels",
  "threads",
  "isolation",
  "vision",
  "onProgress",
];

/** The MLX provider's defaults, environment variables and options. */
export const MLX_TRAITS = {
  name: "mlx",
  defaults: {
    model: "mlx-community/qwen2.5-coder-14b-instruct-abliterated",
    temperature: 0.7,
    maxTokens: 4096,
    topP: 0.9,
    cacheDir: null,
    quantize: true,
    device: "auto",
    isolation: "worker",
  },
  environment: {
    model: ["ABSTRACTLLM_MLX_MODEL"],
    device: ["ABSTRACTLLM_MLX_DEVICE"],
  },
  supported: new Set(SUPPORTED),
} as const satisfies ProviderTraits;
