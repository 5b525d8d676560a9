import type { ImageDetail, MediaSource } from "./media-source.ts";
import type { Schema } from "./schema.ts";
import type { ApproveToolCall, Tool, ToolChoice } from "./tool.ts";

/** How much a model thinks before it answers: not at all, as it likes, by degrees, or at most so many tokens. */
export type ReasoningOption =
  | boolean
  | "low"
  | "medium"
  | "high"
  | { readonly maxTokens: number; readonly effort?: "low" | "medium" | "high" };

/**
 * Which of the configured `adapters` answer: one by its name, or several at once. A scale multiplies what an adapter adds, 1
 * by default. Only LoRA adds up and takes scales.
 */
export type AdapterChoice = string | readonly { readonly name: string; readonly scale?: number }[];

/**
 * What happens to a conversation that is too long: it is refused, it loses its oldest turns, or it loses the turns after
 * its first one.
 */
export type TruncationStrategy = "stopAtLimit" | "rollingWindow" | "truncateMiddle";

/** Options that a call takes and `createLLM` takes as defaults for every call. */
export interface GenerationDefaults {
  /** Instructions that lead the conversation. */
  systemPrompt?: string | undefined;
  /** Randomness in [0, 2]; 0 always takes the likeliest token. Default 0.7 for mlx. */
  temperature?: number | undefined;
  /** Most tokens an answer may have. Default 4096 for mlx. */
  maxTokens?: number | undefined;
  /** Another name for `maxTokens`. */
  maxOutputTokens?: number | undefined;
  /** Refuse prompts of more tokens than this with `ContextWindowExceededError`. */
  maxInputTokens?: number | undefined;
  /** Refuse calls whose prompt and `maxTokens` exceed this many tokens together. */
  contextWindow?: number | undefined;
  /** How a `Session` shortens a conversation that is too long. Default `"stopAtLimit"`. */
  truncationStrategy?: TruncationStrategy | undefined;
  /** Sample among the likeliest tokens that together have this probability, in (0, 1]. Default 0.9 for mlx. */
  topP?: number | undefined;
  /** Sample among this many likeliest tokens; 0 is off. Default 0. */
  topK?: number | undefined;
  /** Leave out tokens less likely than this fraction of the likeliest, in [0, 1]. Default 0. */
  minP?: number | undefined;
  /** Divide the logits of recent tokens by this, in (0, 10]; 1 is off. Default 1. */
  repetitionPenalty?: number | undefined;
  /** Subtracted per occurrence from tokens that were generated already, in [-2, 2]. Default 0. */
  frequencyPenalty?: number | undefined;
  /** Subtracted once from tokens that were generated already, in [-2, 2]. Default 0. */
  presencePenalty?: number | undefined;
  /** Added to the logits of these token ids. */
  logitBias?: Readonly<Record<number, number>> | undefined;
  /** Strings that end the answer and are not part of it. */
  stop?: string | readonly string[] | undefined;
  /** Same seed, prompt and options give the same answer. Default: not reproducible. */
  seed?: number | undefined;
  /**
   * `false` sends the prompt as it is, without the model's chat template; a `schema` then is not in the prompt, and the
   * answer is held to it. Default true.
   */
  chatTemplate?: boolean | undefined;
  /** Extra variables for the chat template, such as `{ enable_thinking: false }`. */
  templateVariables?: Readonly<Record<string, unknown>> | undefined;
  /** Go on after the end of the answer until `maxTokens`; for measurements. Default false. */
  ignoreEos?: boolean | undefined;
  /**
   * Name of the adapter that answers, one of the configured `adapters`, or several that add up, each with a scale. Default:
   * the model alone.
   */
  adapter?: AdapterChoice | undefined;
  /**
   * A local model guesses that its answer goes on as the prompt or the answer did behind the same tokens, and checks several
   * guesses in one step: much faster where it repeats much of them, as after "correct this text". Every token is chosen as
   * without guesses; where two are equally likely up to rounding, the other one may win. Default false.
   */
  promptLookup?: boolean | undefined;
  /**
   * Tokens that `promptLookup` or `draftModel` guess at once; 0 turns both off. Default: 1 to 4, by how many of the last
   * guesses were right.
   */
  numDraftTokens?: number | undefined;
  /** Most milliseconds a call may take, loading the model included. Default: no limit. */
  timeout?: number | undefined;
  /** Another name for `timeout`. */
  requestTimeout?: number | undefined;
  /** Tools the model may call; those with `execute` are run and the model goes on with their results. */
  tools?: readonly Tool[] | undefined;
  /**
   * Which tool the model must call. `"required"` and `{ name }` hold for the first answer; afterwards the model is free
   * to answer with the results. Default `"auto"`.
   */
  toolChoice?: ToolChoice | undefined;
  /** Most answers of the model within one call that runs tools; the last one's tool calls are not run. Default 10. */
  maxSteps?: number | undefined;
  /** Asked before each tool runs; what it refuses is not run, and the model is told. Default: every call is allowed. */
  approveToolCall?: ApproveToolCall | undefined;
  /** Shape that the answer must have: a zod 4 schema or a JSON Schema. The answer is then also `response.object`. */
  schema?: Schema | undefined;
  /**
   * How often an answer that does not fit `schema` goes back to the model with what is wrong. Default 2; 0 with
   * `chatTemplate: false`, which has no place for that.
   */
  maxSchemaRetries?: number | undefined;
  /**
   * How much the model thinks before it answers. Tokens of thoughts are part of `maxTokens`; when those that
   * `{ maxTokens }` allows are used up, the model is made to answer, and with 0 it does not think. `effort` beside it is how
   * much of that it tends to use. Default: as the model does.
   */
  reasoning?: ReasoningOption | undefined;
  /**
   * Has the service keep what it read of the conversation, for anthropic: the next call that begins the same costs a
   * tenth for that part, and this one a quarter more. `true` and `"5m"` keep it for five minutes since it was last used,
   * `"1h"` for an hour, at twice the price. Other services do so by themselves or not at all. Default false.
   */
  promptCaching?: boolean | "5m" | "1h" | undefined;
  /**
   * Log probabilities of the tokens of the answer's text, in `response.logprobs` and beside the text of a stream: `true` for
   * those of the tokens themselves, a number for as many of the likeliest alternatives to each as well. They are the model's
   * own, before temperature and penalties, as far as a service keeps to that. A service that does not give them is told of in
   * `response.warnings`; anthropic has none and refuses. Default false.
   */
  logprobs?: boolean | number | undefined;
  /**
   * The same for the tokens of the prompt, template included, in `response.promptLogprobs`: how likely the model held a
   * given text. mlx alone; others refuse it. Default false.
   */
  promptLogprobs?: boolean | number | undefined;
  /** Name of the end user, for services that watch for abuse. */
  user?: string | undefined;
  /** How finely images are looked at, where the image itself does not say. Default `"auto"`. */
  imageDetail?: ImageDetail | undefined;
  /**
   * Download files and images from addresses of private networks and this machine too. Default false: whoever writes
   * a URL into a prompt must not reach services that only this machine can see.
   */
  allowPrivateUrls?: boolean | undefined;
}

/** Options of one call; they win over the configuration and are forgotten afterwards. */
export interface GenerateOptions extends GenerationDefaults {
  /** Files for the last user message: text is appended to it, images need a vision model. */
  files?: readonly MediaSource[] | undefined;
  /** One image; another name for `files` with one element. */
  image?: MediaSource | undefined;
  /** Images; another name for `files`. */
  images?: readonly MediaSource[] | undefined;
  /** `true` makes `generate` return a stream. Default false. */
  stream?: boolean | undefined;
  /** Aborting it ends the call within one token; the call rejects with the signal's reason. */
  signal?: AbortSignal | undefined;
}
