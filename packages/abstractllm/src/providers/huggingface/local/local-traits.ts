import type { OptionName } from "../../../config/option-table.ts";
import type { ProviderTraits } from "../../base-provider.ts";

const SUPPORTED: readonly OptionName[] = [
  "local",
  "model",
  "device",
  "cacheDir",
  "revision",
  "loadIn4bit",
  "loadIn8bit",
  "onProgress",
  "temperature",
  "maxTokens",
  "maxInputTokens",
  "contextWindow",
  "topK",
  "repetitionPenalty",
  "stop",
  "seed",
  "tools",
  "schema",
];

/**
 * What Hugging Face's own library for JavaScript has and does: `top_p` it takes and does not keep to (4.3), and it asks
 * the hub also when it is told not to.
 */
export const LOCAL_TRAITS: ProviderTraits = {
  name: "huggingface",
  defaults: {
    model: "HuggingFaceTB/SmolLM2-135M-Instruct",
    temperature: 0.7,
    maxTokens: 512,
    device: "auto",
  },
  environment: { cacheDir: ["HUGGINGFACE_CACHE_DIR"] },
  supported: new Set(SUPPORTED),
};
