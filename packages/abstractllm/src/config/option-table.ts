import type { GenerateOptions } from "../interface/generate-options.ts";
import type { LLMConfig } from "../interface/llm-config.ts";
import { isMediaSource } from "../media/is-media-source.ts";
import * as check from "./checks.ts";

/** Where an option may stand: only in a call, only in the configuration, or in both. */
type OptionScope = "call" | "config" | "both";

/** One option: where it may stand and what it must be. */
export interface OptionSpec {
  readonly scope: OptionScope;
  readonly check: check.Check;
  /** The option that this is another name of. */
  readonly aliasOf?: OptionName;
  /** Never shown: a credential, or an address that may hold one. */
  readonly secret?: true;
}

/** Name of an option, in camelCase. */
export type OptionName = keyof LLMConfig | keyof GenerateOptions;

/** Options after checking: aliases resolved, unset ones left out. */
export type Options = { -readonly [Name in OptionName]?: NonNullable<(LLMConfig & GenerateOptions)[Name]> };

const both = (valueCheck: check.Check): OptionSpec => ({ scope: "both", check: valueCheck });
const config = (valueCheck: check.Check): OptionSpec => ({ scope: "config", check: valueCheck });
const call = (valueCheck: check.Check): OptionSpec => ({ scope: "call", check: valueCheck });
const secret = (valueCheck: check.Check): OptionSpec => ({
  scope: "config",
  check: valueCheck,
  secret: true,
});

const mediaOrList: check.Check = {
  expected: "path, address, data, bytes or media, or array of them",
  accepts: (value) => (Array.isArray(value) ? value.every(isMediaSource) : isMediaSource(value)),
  text: "list",
};

const tokens = check.integer({ min: 1 });

/** Every option there is. Providers say which of them they honour. */
export const OPTION_TABLE: Readonly<Record<OptionName, OptionSpec>> = {
  systemPrompt: both(check.string),
  temperature: both(check.number({ min: 0, max: 2 })),
  maxTokens: both(tokens),
  maxOutputTokens: { ...both(tokens), aliasOf: "maxTokens" },
  maxInputTokens: both(tokens),
  contextWindow: both(tokens),
  truncationStrategy: both(check.oneOf("stopAtLimit", "rollingWindow", "truncateMiddle")),
  topP: both(check.number({ above: 0, max: 1 })),
  topK: both(check.integer({ min: 0 })),
  minP: both(check.number({ min: 0, max: 1 })),
  repetitionPenalty: both(check.number({ above: 0, max: 10 })),
  frequencyPenalty: both(check.number({ min: -2, max: 2 })),
  presencePenalty: both(check.number({ min: -2, max: 2 })),
  logitBias: both(check.logitBias),
  stop: both(check.stringOrList),
  seed: both(check.integer({ min: 0 })),
  chatTemplate: both(check.boolean),
  templateVariables: both(check.record),
  ignoreEos: both(check.boolean),
  adapter: both(check.adapter),
  promptLookup: both(check.boolean),
  numDraftTokens: both(check.integer({ min: 0, max: 64 })),
  timeout: both(check.milliseconds),
  requestTimeout: { ...both(check.milliseconds), aliasOf: "timeout" },
  tools: both(check.list),
  toolChoice: both(check.toolChoice),
  maxSteps: both(check.integer({ min: 1 })),
  approveToolCall: both(check.callback),
  schema: both(check.schema),
  maxSchemaRetries: both(check.integer({ min: 0 })),
  reasoning: both(check.reasoning),
  promptCaching: both(check.promptCaching),
  logprobs: both(check.logprobs),
  promptLogprobs: both(check.logprobs),
  user: both(check.nonEmptyString),
  imageDetail: both(check.oneOf("auto", "high", "medium", "low")),
  allowPrivateUrls: both(check.boolean),

  files: call(mediaOrList),
  image: { ...call(mediaOrList), aliasOf: "files" },
  images: { ...call(mediaOrList), aliasOf: "files" },
  stream: call(check.boolean),
  signal: call(check.abortSignal),

  model: config(check.nonEmptyString),
  apiKey: secret(check.key),
  baseUrl: config(check.nonEmptyString),
  organization: config(check.nonEmptyString),
  api: config(check.oneOf("chat", "responses")),
  headers: secret(check.headers),
  proxy: secret(check.proxy),
  maxRetries: config(check.integer({ min: 0 })),
  retryCount: { ...config(check.integer({ min: 0 })), aliasOf: "maxRetries" },
  contentFilter: config(check.boolean),
  moderation: config(check.boolean),
  loggingEnabled: config(check.boolean),

  local: config(check.boolean),
  device: config(check.oneOf("auto", "gpu", "cpu")),
  deviceMap: config(check.stringOrRecord),
  quantize: config(check.quantization),
  loadIn8bit: config(check.boolean),
  loadIn4bit: config(check.boolean),
  exact: config(check.boolean),
  promptBits: config(check.oneOfNumbers(8, 16)),
  fallbackModels: config(check.stringList),
  cacheDir: config(check.nonEmptyString),
  revision: config(check.nonEmptyString),
  token: secret(check.nonEmptyString),
  endpoint: config(check.nonEmptyString),
  offline: config(check.boolean),
  maxBatchSize: config(check.integer({ min: 1, max: 1024 })),
  kvBits: config(check.oneOfNumbers(2, 4, 8)),
  kvGroupSize: config(check.oneOfNumbers(32, 64, 128)),
  quantizedKvStart: config(check.integer({ min: 0 })),
  draftModel: config(check.nonEmptyString),
  adapterPath: config(check.nonEmptyString),
  adapters: config(check.stringRecord),
  promptCacheBytes: config(check.integer({ min: 0 })),
  promptCachePath: config(check.nonEmptyString),
  promptCacheDiskBytes: config(check.integer({ min: 1 })),
  maxCachedModels: config(check.integer({ min: 1 })),
  threads: config(check.integer({ min: 1, max: 1024 })),
  isolation: config(check.oneOf("worker", "process")),
  vision: config(check.boolean),
  capabilities: config(check.capabilities),
  onProgress: config(check.callback),
};

/** The canonical name of an option given in camelCase or snake_case, aliases not resolved; undefined if unknown. */
export function findOption(key: string): OptionName | undefined {
  const name = key.replace(/_([a-z0-9])/g, (_, letter: string) => letter.toUpperCase());
  return Object.hasOwn(OPTION_TABLE, name) ? (name as OptionName) : undefined;
}
