/** What crosses the boundary between an engine's thread and everybody else: plain, cloneable data. */
import type { EmbedRequest, InputType, PoolingMode } from "../embedding/index.ts";
import type { RerankRequest, ScoreActivation } from "../reranking/index.ts";
import type { TemplateSwitch } from "../tokenizer/index.ts";
import type { Constraint } from "./constraint.ts";

/** A part of a message: text, or an image as the bytes of its file. */
export type MessagePart = { type: "text"; text: string } | { type: "image"; image: Uint8Array };

/** One message of a conversation, in the shape chat templates expect. */
export interface ChatMessage {
  role: "system" | "user" | "assistant" | "tool";
  content: string | readonly MessagePart[];
  name?: string;
  /** Assistant messages that called tools. */
  tool_calls?: readonly unknown[];
  tool_call_id?: string;
  /** Reasoning of an earlier assistant turn, for templates that render it. */
  reasoning_content?: string;
}

/** Where the engine computes. `auto` takes Metal or CUDA where libmlx has it, else the CPU. */
export type DeviceChoice = "auto" | "gpu" | "cpu";

/** How an unquantized model is quantized while it loads. */
export interface QuantizeOptions {
  /** Weights that share a scale: 32, 64 or 128. Default 64. */
  groupSize?: number;
  /** Bits per weight: 2, 3, 4, 5, 6 or 8. Default 4. */
  bits?: number;
}

/** Which model an engine loads, and how. */
export interface LoadRequest {
  /** An existing model folder or a `.gguf` file. Hub names are resolved before (see `resolveModel`). */
  path: string;
  /** Quantize an unquantized model while loading; `true` means 4 bits in groups of 64. Default false. */
  quantize?: boolean | QuantizeOptions;
  /** Full-precision activations and accumulation everywhere. Default false. */
  exact?: boolean;
  /**
   * Bits that a CPU keeps of each activation inside a long prompt, 8 or 16. Its beginning, its end and the answer always
   * keep 16, and everything all bits with `exact`. 16 reads prompts more slowly and predicts a little closer to `exact`.
   * Default 8.
   */
  promptBits?: number;
  /**
   * Most requests that are answered at once; others wait. More give more tokens per second together and fewer each, and
   * each needs memory for its own KV cache. Default 8 on a CPU, 32 on a GPU. A model whose caches cannot be batched
   * answers one at a time whatever this says.
   */
  maxBatchSize?: number;
  /**
   * Bits of cached keys and values: 2, 4 or 8. Less memory for long contexts and a little less precision.
   * Default: as they are computed, or 16 bits on a CPU.
   */
  kvBits?: number;
  /** Features that share a scale in a quantized cache: 32, 64 or 128, a divisor of those of a head. Default 64. */
  kvGroupSize?: number;
  /**
   * Tokens in a cache before it is quantized; with more than 0 of them requests are answered one at a time. Default 0:
   * after the first stretch of the prompt.
   */
  quantizedKvStart?: number;
  /**
   * Bytes of keys and values that are kept of earlier requests, the least recently used forgotten: a prompt that begins as
   * one of them goes on from there. 0 keeps nothing. Default an eighth of the memory limit.
   */
  promptCacheBytes?: number;
  /**
   * Folder where they are kept on disk as well, so that another process need not read such a prompt again: files for this
   * user alone, which hold the text's tokens, keys and values. Those of other models, and of this one loaded in another way,
   * may be in the same folder, which is made where it is missing; any number of processes may use it. Default: none.
   */
  promptCachePath?: string;
  /**
   * Bytes of all files in `promptCachePath`, the least recently used removed. A longer prompt than fits is not kept.
   * Default 10 GiB.
   */
  promptCacheDiskBytes?: number;
  /**
   * What guesses the next tokens, of which the model checks several in one step: answers come faster and stay what they
   * are. Either a smaller model with the same tokens, or layers that predict tokens from what the model itself computes
   * (multi-token prediction): `path` and `quantize` as above. `mtp: true` takes such layers from the model's own files.
   * Default: none.
   */
  draftModel?: ({ path: string } | { mtp: true }) & { quantize?: boolean | QuantizeOptions };
  /**
   * Folder of an adapter that answers every request: LoRA, DoRA or a full fine-tuning, as mlx-lm or PEFT writes them. It
   * works beside the weights, which stay as they are, quantized ones too; each adapted layer costs two small products more.
   * Default: none.
   */
  adapterPath?: string;
  /**
   * Folders of adapters, as above, by the names under which requests choose from them: the model is in memory once. Not
   * together with `adapterPath`. Default: none.
   */
  adapters?: Readonly<Record<string, string>>;
}

/** What a loaded model is, for capabilities, limits and display. */
export interface ModelInfo {
  modelType: string;
  parameterCount: number;
  weightBytes: number;
  /** Tokens of prompt plus output; undefined when the config names no limit. */
  contextLength?: number;
  vocabSize: number;
  quantization?: { bits: number; groupSize: number; mode: string };
  hasChatTemplate: boolean;
  /** Whether messages may have images. */
  vision: boolean;
  /** Variables that the chat template reads, of those that switch tools and reasoning. */
  templateSwitches: readonly TemplateSwitch[];
  /**
   * How the model writes tool calls: mlx-lm's name of the parser where it has one (`json_tools`, `qwen3_coder`,
   * `mistral`, …), else `harmony`, `llama3`, `deepseek` or `deepseek_dsml`. Undefined when neither template nor
   * vocabulary tell.
   */
  toolDialect?: string;
  /** What opens and closes the model's reasoning, where it has marks for that. */
  reasoning?: { start: string; end: string };
  /** Why answers of this model cannot be constrained here, and what to do; undefined where they can. */
  constraintProblem?: string;
  /** The model that drafts for it, where there is one. */
  draftModel?: { modelType: string; weightBytes: number };
  /** Names of the adapters that requests choose from, where there are any. */
  adapters?: string[];
  device: "cpu" | "gpu";
  /** Requests that are answered at once. */
  maxBatchSize: number;
  loadMs: number;
  /** Things the user should know: fallbacks taken, unknown config keys. */
  warnings: string[];
}

/** Sampling options, as in mlx-lm: temperature 0 is greedy. */
export interface SamplingOptions {
  /** 0 is greedy. Default 0. */
  temperature?: number;
  /** Nucleus sampling in (0, 1]; 1 is off. Default 1. */
  topP?: number;
  /** Keep the k most likely tokens; 0 is off. Default 0. */
  topK?: number;
  /** Keep tokens at least this fraction as likely as the likeliest, in [0, 1]; 0 is off. Default 0. */
  minP?: number;
  /** Divide the logits of recent tokens by this; 1 is off. Default 1. */
  repetitionPenalty?: number;
  /** Tokens the repetition penalty looks back on. Default 20. */
  repetitionContextSize?: number;
  /** Subtracted once from the logit of each token already generated. Default 0. */
  presencePenalty?: number;
  /** Subtracted per occurrence from the logit of each token already generated. Default 0. */
  frequencyPenalty?: number;
  /** Added to the logits of these token ids. */
  logitBias?: Readonly<Record<number, number>>;
  /** Same seed, prompt and options give the same text. Default: not reproducible. */
  seed?: number;
}

/** One of several adapters that answer together. */
export interface AdapterPart {
  name: string;
  /** Multiplies what it adds; below 0 takes it away. Default 1. */
  scale?: number;
}

/**
 * Which of a model's adapters answer: one by its name, or several at once. Only LoRA adds up and takes scales: DoRA and whole
 * parameters must be alone in the layers they change, at scale 1.
 */
export type AdapterChoice = string | readonly AdapterPart[];

/** What an engine is asked to generate, and how. */
export interface GenerateRequest extends SamplingOptions {
  /** A conversation for the chat template, a text as it is, or token ids. */
  prompt: readonly ChatMessage[] | string | readonly number[];
  /** For a prompt that is a text: the files of the images whose placeholders, or `IMAGE_MARK`s, it holds, in order. */
  images?: readonly Uint8Array[];
  /** Extra variables for the chat template, such as `enable_thinking`. */
  templateVariables?: Readonly<Record<string, unknown>>;
  /** Tool definitions (JSON-schema functions) handed to the chat template. */
  tools?: readonly unknown[];
  /** At most this many tokens come back; 0 evaluates the prompt alone. */
  maxTokens: number;
  /** Special tokens that are part of one of these texts stay in the answer; others are left out. Default none. */
  keepSpecialTokens?: readonly string[];
  /** Strings that end the answer; they are not part of it. */
  stop?: readonly string[];
  /** Go on after an end-of-sequence token. Default false. */
  ignoreEos?: boolean;
  /**
   * Only tokens that go on with what this describes are chosen, and an answer of which it describes the whole ends when
   * nothing may follow. What the grammar engine cannot hold an answer to is refused with its reason. Default: none.
   */
  constraint?: Constraint;
  /**
   * Most tokens of reasoning. When they are used up the model is made to end it, in a last sentence where there is room for
   * one, and answers; 0 lets it begin none. Models without marks of reasoning refuse it. Default: as the model likes.
   */
  reasoningBudget?: number;
  /**
   * Name of the adapter that answers, one of the model's `adapters`, or several that add up. Requests with the same ones run
   * together; those with others take turns with them. Default: the model alone.
   */
  adapter?: AdapterChoice;
  /**
   * Guess that an answer goes on as its prompt or itself did behind the same tokens: much faster where it repeats much of
   * them, as after "correct this text". Several guesses are checked in one step, so that the answer stays what it is.
   * Default false.
   */
  promptLookup?: boolean;
  /**
   * Tokens that `promptLookup` or the draft model guess at once; 0 turns both off. Default: 1 to 4, by how many of the last
   * guesses were right.
   */
  numDraftTokens?: number;
  /** Prompt tokens evaluated at once. Default 2048 on a GPU, 512 on a CPU. */
  prefillStepSize?: number;
  /**
   * How many of the likeliest tokens each token of the answer comes with, beside its own log probability; 0 gives its own
   * alone. They are the model's, before penalties, constraints, temperature and sampling. Default: no probabilities.
   */
  logprobs?: number;
  /**
   * The same for the tokens of the prompt: how likely each one was after those before it. All of it is evaluated for that,
   * without rounding activations to `promptBits`. Prompts of text alone have them. Default: no probabilities.
   */
  promptLogprobs?: number;
}

/** A token, and the logarithm of the probability that the model gave it. */
export interface TokenWithLogprob {
  id: number;
  /** What it adds to a text that has begun, with U+FFFD for bytes that are no whole character. */
  text: string;
  /** The same as UTF-8. */
  bytes: number[];
  /** Natural logarithm. */
  logprob: number;
}

/** A token of an answer. */
export interface TokenLogprob extends TokenWithLogprob {
  /** The likeliest tokens in its place, the likeliest first; as many as the request asked for. */
  topLogprobs: TokenWithLogprob[];
}

/** A token of a prompt; the first one has no probability. */
export interface PromptTokenLogprob extends Omit<TokenLogprob, "logprob"> {
  logprob?: number;
}

/** `stop`: end of sequence or a stop string; `length`: `maxTokens` or the context is full. */
export type FinishReason = "stop" | "length";

/** Tokens of one request. */
export interface Usage {
  inputTokens: number;
  outputTokens: number;
  totalTokens: number;
  /** Those of `inputTokens` that were not evaluated: an earlier request's prompt or answer began alike. */
  cachedInputTokens: number;
  /** Those of `outputTokens` between the marks of reasoning. */
  reasoningTokens: number;
}

/** How long the parts of one request took, and what they needed. */
export interface Timings {
  timeToFirstTokenMs: number;
  /** Of the prompt's tokens that were not cached. */
  prefillTokensPerSecond: number;
  decodeTokensPerSecond: number;
  peakMemoryBytes: number;
  totalMs: number;
  /** Tokens that `promptLookup` or a draft model guessed and the model checked; absent where nobody guesses. */
  draftedTokens?: number;
  /** Those of `draftedTokens` that were right. */
  acceptedTokens?: number;
}

/**
 * Parts of a generation, in order: a reasoning-start where the prompt ends within reasoning, the prompt's tokens once it is
 * evaluated, its log probabilities where they are asked for, any number of deltas, then exactly one finish (errors are thrown). A delta has
 * the tokens that its text begins or goes on with; those that a stop string cut off are in none.
 */
export type GenerationPart =
  | { type: "reasoning-start" }
  | ({ type: "prompt-usage" } & Pick<Usage, "inputTokens" | "cachedInputTokens">)
  | { type: "prompt-logprobs"; logprobs: PromptTokenLogprob[] }
  | {
      type: "text-delta";
      text: string;
      tokens: number[];
      /** Of `tokens`, where the request asks for them. */
      logprobs?: TokenLogprob[];
    }
  | {
      type: "finish";
      finishReason: FinishReason;
      /** `eos`, `stop-sequence`, `constraint` (nothing may follow), `max-tokens` or `context-length`. */
      rawFinishReason: string;
      usage: Usage;
      timings: Timings;
      warnings: string[];
    };

/** A model that lives in an engine. Implemented by `Engine.load`. */
export interface EngineModel {
  readonly info: ModelInfo;
  /**
   * Requests that come together run together, up to `info.maxBatchSize`; others wait their turn. Aborting ends the
   * iteration with an `aborted` error within one step.
   */
  generate(request: GenerateRequest, options?: { signal?: AbortSignal }): AsyncIterable<GenerationPart>;
  /** Token ids of a text, or of a conversation after the chat template. */
  tokenize(
    prompt: GenerateRequest["prompt"],
    options?: Pick<GenerateRequest, "images" | "templateVariables" | "tools">,
  ): Promise<number[]>;
  /** True while a request runs or waits. */
  readonly busy: boolean;
  /** Frees the weights. Waits for running requests to end; later calls throw `disposed`. */
  dispose(): Promise<void>;
}

/** Which model an engine loads to make vectors of texts, and how: options of {@link LoadRequest}. */
export type LoadEmbedderRequest = Pick<LoadRequest, "path" | "quantize" | "exact">;

/** What a model that makes vectors is. */
export interface EmbedderInfo
  extends Pick<
    ModelInfo,
    "modelType" | "parameterCount" | "weightBytes" | "quantization" | "device" | "loadMs" | "warnings"
  > {
  /** Numbers per vector. */
  dimensions: number;
  /** Most tokens of a text; undefined when the model names no limit. */
  maxLength?: number;
  /** How the states of a text become a vector; several give vectors one behind the other. */
  pooling: readonly PoolingMode[];
  /** Whether vectors have length 1. */
  normalizes: boolean;
  /** What its prompts tell apart; empty for a model without prompts. */
  inputTypes: readonly InputType[];
  /** Whether queries may have an instruction. */
  takesInstruction: boolean;
}

/** Vectors of texts, in their order. */
export interface EmbedResult {
  embeddings: Float32Array[];
  /** Tokens that the model read, prompts included. */
  inputTokens: number;
}

/** A model in an engine that makes vectors of texts. Implemented by `Engine.loadEmbedder`. */
export interface EngineEmbedder {
  readonly info: EmbedderInfo;
  /**
   * Makes vectors, some texts at a time; generations and other requests take turns with it. Aborting rejects with an
   * `aborted` error before the next texts.
   *
   * @throws {MlxError} `invalid-argument`; `context-length` for a text that is too long; `unsupported-feature` for what the
   *   model's prompts do not know
   */
  embed(request: EmbedRequest, options?: { signal?: AbortSignal }): Promise<EmbedResult>;
  /** True while a request runs. */
  readonly busy: boolean;
  /** Frees the weights. Waits for running requests to end; later calls throw `disposed`. */
  dispose(): Promise<void>;
}

/** Which model an engine loads to score documents, and how: options of {@link LoadRequest}. */
export type LoadRerankerRequest = LoadEmbedderRequest;

/** What a model that scores documents is. */
export interface RerankerInfo
  extends Pick<
    ModelInfo,
    "modelType" | "parameterCount" | "weightBytes" | "quantization" | "device" | "loadMs" | "warnings"
  > {
  /** Most tokens of a query with a document; undefined when the model names no limit. */
  maxLength?: number;
  /** What the model's logits go through: scores are between 0 and 1 after `sigmoid`, of any size after `identity`. */
  activation: ScoreActivation;
  /** Whether a query may have an instruction. */
  takesInstruction: boolean;
}

/** How well documents answer a query. */
export interface RerankResult {
  /** In the order of the documents, higher for better. */
  scores: Float32Array;
  /** Tokens that the model read, the query once for each document. */
  inputTokens: number;
}

/** A model in an engine that scores documents. Implemented by `Engine.loadReranker`. */
export interface EngineReranker {
  readonly info: RerankerInfo;
  /**
   * Scores documents, some of them at a time; generations and other requests take turns with it. Aborting rejects with an
   * `aborted` error before the next documents.
   *
   * @throws {MlxError} `invalid-argument`; `context-length` for a document that is too long beside the query;
   *   `unsupported-feature` for an instruction to a model that takes none
   */
  rerank(request: RerankRequest, options?: { signal?: AbortSignal }): Promise<RerankResult>;
  /** True while a request runs. */
  readonly busy: boolean;
  /** Frees the weights. Waits for running requests to end; later calls throw `disposed`. */
  dispose(): Promise<void>;
}

/** What an engine computes on and runs in. */
export interface EngineOptions {
  /** Default `auto`. */
  device?: DeviceChoice;
  /**
   * `worker` (default): a thread of this process; a crash in native code (a segmentation fault, the system's
   * out-of-memory killer, a weight file cut short while in use) ends the whole program. `process`: a child process; such
   * a crash ends only the engine: its requests reject with `engine-crashed`, and a new engine can be started. Parts and
   * requests cost a copy between processes, and memory figures are those of the child.
   */
  isolation?: "worker" | "process";
  /**
   * Modules that the engine imports before it loads a model, as absolute URLs or paths: they call
   * `registerArchitecture` for model types of your own. Default none.
   */
  modules?: readonly string[];
  /** Threads of the CPU kernels, for the whole process. Default: the cores this process may use. */
  threads?: number;
}

/** One engine thread (or process) and the models in it. Created by `startEngine(options)`. */
export interface Engine {
  readonly device: "cpu" | "gpu";
  load(request: LoadRequest, options?: { signal?: AbortSignal }): Promise<EngineModel>;
  /** Loads a model that makes vectors of texts. */
  loadEmbedder(request: LoadEmbedderRequest, options?: { signal?: AbortSignal }): Promise<EngineEmbedder>;
  /** Loads a model that scores documents by how well they answer a query. */
  loadReranker(request: LoadRerankerRequest, options?: { signal?: AbortSignal }): Promise<EngineReranker>;
  memory(): Promise<{ activeBytes: number; cacheBytes: number; peakBytes: number }>;
  dispose(): Promise<void>;
}

/** What this machine offers, found without loading a model. Returned by `detectRuntime()`. */
export interface RuntimeInfo {
  /** Undefined when no libmlx could be loaded; `problem` then says why and what to do. */
  mlxVersion?: string;
  /** The addon that was loaded; its libmlx lies beside it. */
  libraryPath?: string;
  device: "cpu" | "gpu";
  /** `cpu`, `metal` or `cuda`. */
  backend: "cpu" | "metal" | "cuda";
  instructionSets: string[];
  problem?: string;
}
