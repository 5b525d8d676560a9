import type { GenerationDefaults } from "./generate-options.ts";
import type { ModelCapabilities } from "./model-capabilities.ts";

/** How far a download has come, for a progress bar. */
export interface DownloadProgress {
  /** The file this is about. */
  file: string;
  /** Bytes of that file. */
  receivedBytes: number;
  totalBytes: number;
  /** Bytes of all files that have to be fetched. */
  allReceivedBytes: number;
  allTotalBytes: number;
}

/** How an unquantized model is quantized while it loads. */
export interface QuantizeConfig {
  /** Bits per weight: 2, 3, 4, 5, 6 or 8. Default 4. */
  bits?: number | undefined;
  /** Weights that share a scale: 32, 64 or 128. Default 64. */
  groupSize?: number | undefined;
}

/** What `createLLM` takes: defaults for every call, and where the model comes from. */
export interface LLMConfig extends GenerationDefaults {
  /** Name of the model: for mlx a hub repository, a folder or a `.gguf` file. */
  model?: string | undefined;

  /** Key of a cloud service. */
  apiKey?: string | undefined;
  /** Address of the service, without user name and password. */
  baseUrl?: string | undefined;
  /** Organization that the service bills. */
  organization?: string | undefined;
  /** Which of the service's interfaces is used, for openai. Default: what suits the model. */
  api?: "chat" | "responses" | undefined;
  /** Headers that go with every request to the service, over the provider's own; never shown, as they may hold keys. */
  headers?: Readonly<Record<string, string>> | undefined;
  /**
   * Proxy for requests to the service, an http or https URL. Default: `HTTPS_PROXY` and `HTTP_PROXY`, except for hosts in
   * `NO_PROXY` and for this machine.
   */
  proxy?: string | undefined;
  /** How often a request is repeated that failed before anything of the answer came. Default 2. */
  maxRetries?: number | undefined;
  /** Another name for `maxRetries`. */
  retryCount?: number | undefined;
  contentFilter?: boolean | undefined;
  moderation?: boolean | undefined;
  loggingEnabled?: boolean | undefined;

  /** Run the model in this process, for huggingface: with `@huggingface/transformers`, on the CPU. Default false. */
  local?: boolean | undefined;
  /** Where a local model computes. Default `"auto"`: a GPU where there is one, else the CPU. */
  device?: "auto" | "gpu" | "cpu" | undefined;
  /** Distribution of a model over several devices. */
  deviceMap?: string | Readonly<Record<string, unknown>> | undefined;
  /** Quantize an unquantized model while loading; `true` is 4 bits in groups of 64. Default true. */
  quantize?: boolean | QuantizeConfig | undefined;
  /** The same as `quantize: { bits: 8 }`. */
  loadIn8bit?: boolean | undefined;
  /** The same as `quantize: { bits: 4 }`. */
  loadIn4bit?: boolean | undefined;
  /** Full-precision activations and accumulation: slower, closest to the reference. Default false. */
  exact?: boolean | undefined;
  /**
   * Bits that a CPU keeps of each activation inside a long prompt of a local model, 8 or 16; its end and the answer keep 16.
   * 16 reads prompts more slowly and predicts a little closer to `exact`. Default 8.
   */
  promptBits?: number | undefined;
  /** Models to take, in this order, when `model` is not available or does not fit into memory. */
  fallbackModels?: readonly string[] | undefined;
  /** Folder of the Hugging Face cache. Default null: what Hugging Face's own variables say. */
  cacheDir?: string | null | undefined;
  /** Branch, tag or commit of the repository. Default `"main"`. */
  revision?: string | undefined;
  /** Hugging Face token for gated and private repositories. Default: `HF_TOKEN` or the saved login. */
  token?: string | undefined;
  /** Address of the hub. Default: `HF_ENDPOINT` or huggingface.co. */
  endpoint?: string | undefined;
  /** Take models from the cache only. Default: `HF_HUB_OFFLINE`. */
  offline?: boolean | undefined;
  /**
   * Most calls that one model answers at once; others wait. More give more tokens per second together and fewer each.
   * Default 8 on a CPU, 32 on a GPU.
   */
  maxBatchSize?: number | undefined;
  /**
   * Bits of a local model's cached keys and values: 2, 4 or 8. Less memory for long contexts and a little less
   * precision. Default: as they are computed, or 16 bits on a CPU.
   */
  kvBits?: number | undefined;
  /** Features that share a scale in a cache with `kvBits`: 32, 64 or 128, a divisor of those of a head. Default 64. */
  kvGroupSize?: number | undefined;
  /**
   * Tokens in a cache before `kvBits` quantizes it; with more than 0 of them calls are answered one at a time. Default 0:
   * after the first stretch of the prompt.
   */
  quantizedKvStart?: number | undefined;
  /**
   * What guesses the next tokens of a local model, which checks several guesses in one step: answers come faster and stay
   * what they are. Repository, folder or `.gguf` file of a smaller model with the same tokens, or of layers made to predict
   * this model's tokens (`google/gemma-4-E2B-it-assistant`); `"mtp"` for such layers in the model's own files.
   * `fallbackModels` do without. Default: none.
   */
  draftModel?: string | undefined;
  /**
   * Folder or hub repository of an adapter that answers every call of a local model: LoRA, DoRA or a full fine-tuning, as
   * mlx-lm or PEFT writes them. The model's weights stay as they are, quantized ones too. `fallbackModels` answer without
   * it. Default: none.
   */
  adapterPath?: string | undefined;
  /**
   * Folders or hub repositories of adapters by names, of which each call chooses with `adapter`; the local model is in
   * memory once. Not together with `adapterPath`. Default: none.
   */
  adapters?: Readonly<Record<string, string>> | undefined;
  /**
   * Bytes of keys and values that a model keeps of earlier calls, so that a prompt that begins as one of them, such as the
   * next turn of a conversation, goes on from there. 0 keeps nothing. Default an eighth of what MLX may take.
   */
  promptCacheBytes?: number | undefined;
  /**
   * Folder where a local model keeps them on disk as well, so that another process need not read such a prompt again: files
   * for this user alone, which hold the text's tokens, keys and values. Any number of models and processes may share it; it
   * is made where it is missing. Default: none.
   */
  promptCachePath?: string | undefined;
  /** Bytes of all files in `promptCachePath`, the least recently used removed. Default 10 GiB. */
  promptCacheDiskBytes?: number | undefined;
  /** Loaded models kept in this process, shared by all instances; the last value given counts. Default 2. */
  maxCachedModels?: number | undefined;
  /**
   * Threads of a local model's CPU kernels, for the whole process: the last model loaded with a number decides. Default:
   * the real cores that this process may use.
   */
  threads?: number | undefined;
  /** `"process"` runs the model in a child process, so that a native crash stays there. Default `"worker"`. */
  isolation?: "worker" | "process" | undefined;
  /** Says whether the model takes images, instead of what is known by its name; short for `capabilities: { vision }`. */
  vision?: boolean | undefined;
  /** What the model can and how much it holds, over what is known by its name; for remote providers. */
  capabilities?: ModelCapabilities | undefined;
  /** Called before a model downloads, with its size, and while it does. Default: a warning of the process says the size. */
  onProgress?: ((progress: DownloadProgress) => void) | undefined;
}

/** `maxTokens` as Python writes it: `max_tokens`. */
type SnakeCase<Name extends string> = Name extends `${infer First}${infer Rest}`
  ? `${First extends Lowercase<First> ? (First extends Uppercase<First> ? `_${First}` : First) : `_${Lowercase<First>}`}${SnakeCase<Rest>}`
  : Name;

/** `LLMConfig` with its keys in camelCase or, as in a configuration from Python, in snake_case; `null` is "not set". */
export type LLMConfigInput = LLMConfig & {
  [Name in keyof LLMConfig as SnakeCase<Name>]?: LLMConfig[Name] | null;
};
