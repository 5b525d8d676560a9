import type { OptionName, Options } from "../../config/option-table.ts";
import type { ChatDialect } from "../openai/chat/index.ts";
import { pickFields, REMOTE_OPTIONS } from "../remote/index.ts";
import type { ServerKind } from "./openai-compatible-provider.ts";

/** Options of the protocol itself. */
const CHAT_OPTIONS: readonly OptionName[] = [
  ...REMOTE_OPTIONS,
  "temperature",
  "maxTokens",
  "topP",
  "frequencyPenalty",
  "presencePenalty",
  "logitBias",
  "stop",
  "seed",
  "logprobs",
  "user",
  "imageDetail",
  "tools",
  "schema",
  "reasoning",
];

/** Options of samplers that servers have beside those of the protocol. */
const SAMPLER_OPTIONS: readonly OptionName[] = ["topK", "minP", "repetitionPenalty"];

const BASE: Pick<ChatDialect, "systemRole" | "maxTokensField"> = {
  systemRole: "system",
  maxTokensField: "max_tokens",
};

/** Names that vLLM, SGLang, llama.cpp and mlx_lm.server share. */
const SERVER_FIELDS = {
  topK: "top_k",
  minP: "min_p",
  repetitionPenalty: "repetition_penalty",
  templateVariables: "chat_template_kwargs",
  ignoreEos: "ignore_eos",
} as const;

/** The names of vLLM, of llama.cpp, of mlx-vlm and Qwen's services, and of OpenRouter. */
const reasoningLimit = (maxTokens: number) => ({
  thinking_token_budget: maxTokens,
  thinking_budget_tokens: maxTokens,
  thinking_budget: maxTokens,
  reasoning: { max_tokens: maxTokens },
});

/** LM Studio's names. */
const LMSTUDIO_FIELDS = { topK: "top_k", minP: "min_p", repetitionPenalty: "repeat_penalty" } as const;

/** A server of any make. */
export const OPENAI_COMPATIBLE: ServerKind = {
  traits: {
    name: "openai-compatible",
    defaults: {},
    environment: {},
    supported: new Set<OptionName>([...CHAT_OPTIONS, ...SAMPLER_OPTIONS, "templateVariables", "ignoreEos"]),
  },
  dialect: {
    ...BASE,
    extraFields: (options: Options) => pickFields(options, SERVER_FIELDS),
    reasoningLimit,
  },
  refusedEmbedOptions: ["instruction", "truncate"],
  reranks: true,
  givesLogprobs: true,
};

/** LM Studio's server. */
export const LMSTUDIO: ServerKind = {
  traits: {
    name: "lmstudio",
    defaults: { baseUrl: "http://localhost:1234/v1", temperature: 0.7 },
    environment: { baseUrl: ["LMSTUDIO_BASE_URL"] },
    supported: new Set([...CHAT_OPTIONS, ...SAMPLER_OPTIONS]),
  },
  dialect: { ...BASE, extraFields: (options: Options) => pickFields(options, LMSTUDIO_FIELDS) },
  refusedEmbedOptions: ["inputType", "instruction", "truncate"],
  reranks: false,
  givesLogprobs: false, // of chat completions, whatever they are asked
  startHint: "Start LM Studio's server: lms server start",
  modelHint: () => "Download or load it in LM Studio: lms get, lms load",
};

/** Hugging Face's router to the services that run models of the hub; a model may name its service: `model:groq`. */
export const HUGGINGFACE: ServerKind = {
  traits: {
    name: "huggingface",
    defaults: { model: "openai/gpt-oss-20b", baseUrl: "https://router.huggingface.co/v1" },
    environment: { apiKey: ["HF_TOKEN", "HUGGINGFACE_API_KEY", "HUGGING_FACE_HUB_TOKEN"] },
    supported: new Set<OptionName>([...CHAT_OPTIONS, "organization"]),
  },
  dialect: BASE,
  refusedEmbedOptions: ["dimensions", "instruction"],
  reranks: false,
  givesLogprobs: true, // where the model's service does
  modelHint: () => "Models that can be had: https://huggingface.co/models?inference_provider=all",
};
