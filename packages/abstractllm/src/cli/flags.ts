import type { OptionName } from "../config/option-table.ts";

/** One `--flag` of a command. */
export interface Flag {
  readonly name: string;
  readonly short?: string;
  /** What stands for the value in the help; a flag without one is on or off. */
  readonly value?: string;
  readonly help: string;
  /** May be given several times. */
  readonly multiple?: true;
  /** The option that it sets. */
  readonly option?: OptionName;
  /** Shown and used as `--no-<name>`: what it turns off is on by default. */
  readonly negative?: true;
}

/** Help, on every command. */
export const HELP_FLAG: Flag = { name: "help", short: "h", help: "Show this help" };

/** Output for programs. */
export const JSON_FLAG: Flag = { name: "json", help: "Print JSON" };

/** Where models come from; `models` and `doctor` take these alone. */
export const CACHE_FLAGS: readonly Flag[] = [
  { name: "cache-dir", value: "DIR", option: "cacheDir", help: "Folder of the Hugging Face cache" },
];

/** How models are fetched. */
export const HUB_FLAGS: readonly Flag[] = [
  ...CACHE_FLAGS,
  { name: "revision", value: "NAME", option: "revision", help: "Branch, tag or commit of the repository" },
  { name: "endpoint", value: "URL", option: "endpoint", help: "Address of the hub" },
  { name: "offline", option: "offline", help: "Take models from the cache only" },
];

/** Who runs models; keys come from the environment. */
export const PROVIDER_FLAGS: readonly Flag[] = [
  { name: "provider", short: "p", value: "NAME", help: "Provider of the model (default mlx)" },
  { name: "base-url", value: "URL", option: "baseUrl", help: "Address of the provider's service" },
];

/** Which model, and how it is loaded. */
export const MODEL_FLAGS: readonly Flag[] = [
  ...PROVIDER_FLAGS,
  { name: "model", short: "m", value: "MODEL", option: "model", help: "Repository, folder or .gguf file" },
  {
    name: "fallback-model",
    value: "MODEL",
    multiple: true,
    option: "fallbackModels",
    help: "Model to take instead when it cannot be had; repeatable",
  },
  { name: "device", value: "auto|gpu|cpu", option: "device", help: "Where to compute (default auto)" },
  { name: "quantize", negative: true, option: "quantize", help: "Load an unquantized model as it is" },
  { name: "load-in-8bit", option: "loadIn8bit", help: "Quantize an unquantized model to 8 bits" },
  { name: "load-in-4bit", option: "loadIn4bit", help: "Quantize an unquantized model to 4 bits" },
  { name: "exact", option: "exact", help: "Full precision everywhere: slower" },
  {
    name: "prompt-bits",
    value: "8|16",
    option: "promptBits",
    help: "Bits of activations inside prompts on a CPU (default 8)",
  },
  { name: "kv-bits", value: "N", option: "kvBits", help: "Bits of cached keys and values: 2, 4 or 8" },
  {
    name: "kv-group-size",
    value: "N",
    option: "kvGroupSize",
    help: "Features that share a scale in the cache",
  },
  {
    name: "quantized-kv-start",
    value: "N",
    option: "quantizedKvStart",
    help: "Tokens in the cache before it is quantized",
  },
  {
    name: "prompt-cache-path",
    value: "DIR",
    option: "promptCachePath",
    help: "Folder that keeps prompts for later runs, which need not read them again",
  },
  {
    name: "draft-model",
    value: "MODEL",
    option: "draftModel",
    help: "What guesses the next tokens: a smaller model, an assistant of this one, or mtp for its own layers",
  },
  {
    name: "adapter-path",
    value: "ADAPTER",
    option: "adapterPath",
    help: "Folder or repository of a LoRA or DoRA adapter for the model",
  },
  { name: "threads", value: "N", option: "threads", help: "Threads that compute on the CPU" },
  {
    name: "isolation",
    value: "worker|process",
    option: "isolation",
    help: "What the model runs in (default worker)",
  },
  ...HUB_FLAGS,
];

/** How an answer is made. */
export const SAMPLING_FLAGS: readonly Flag[] = [
  {
    name: "system",
    short: "s",
    value: "TEXT",
    option: "systemPrompt",
    help: "Instructions that lead the conversation",
  },
  { name: "max-tokens", short: "n", value: "N", option: "maxTokens", help: "Most tokens of an answer" },
  { name: "temperature", short: "t", value: "X", option: "temperature", help: "Randomness from 0 to 2" },
  {
    name: "top-p",
    value: "X",
    option: "topP",
    help: "Sample among the likeliest tokens of this probability",
  },
  { name: "top-k", value: "N", option: "topK", help: "Sample among this many likeliest tokens" },
  {
    name: "min-p",
    value: "X",
    option: "minP",
    help: "Leave out tokens less likely than this share of the likeliest",
  },
  {
    name: "repetition-penalty",
    value: "X",
    option: "repetitionPenalty",
    help: "Make recent tokens less likely; 1 is off",
  },
  { name: "frequency-penalty", value: "X", option: "frequencyPenalty", help: "Per occurrence, from -2 to 2" },
  { name: "presence-penalty", value: "X", option: "presencePenalty", help: "Once, from -2 to 2" },
  {
    name: "logit-bias",
    value: "JSON",
    option: "logitBias",
    help: 'Numbers added to token ids, such as {"42": -5}',
  },
  { name: "seed", value: "N", option: "seed", help: "The same seed gives the same answer" },
  { name: "stop", value: "TEXT", multiple: true, option: "stop", help: "End the answer here; repeatable" },
  { name: "chat-template", negative: true, option: "chatTemplate", help: "Send the prompt as it is" },
  {
    name: "template-variables",
    value: "JSON",
    option: "templateVariables",
    help: "Variables for the chat template",
  },
  {
    name: "prompt-lookup",
    option: "promptLookup",
    help: "Guess that the answer repeats parts of the prompt: faster where it does",
  },
  {
    name: "num-draft-tokens",
    value: "N",
    option: "numDraftTokens",
    help: "Tokens that are guessed at once; 0 guesses none",
  },
  {
    name: "reasoning",
    value: "LEVEL",
    option: "reasoning",
    help: "How much to think before the answer: true, false, low, medium, high, or most tokens of it",
  },
  { name: "ignore-eos", option: "ignoreEos", help: "Go on until --max-tokens" },
  { name: "max-input-tokens", value: "N", option: "maxInputTokens", help: "Refuse longer prompts" },
  {
    name: "context-window",
    value: "N",
    option: "contextWindow",
    help: "Refuse prompts that with --max-tokens are longer",
  },
  { name: "timeout", value: "MS", option: "timeout", help: "Most milliseconds an answer may take" },
];
