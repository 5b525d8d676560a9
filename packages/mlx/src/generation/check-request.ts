import type { KVQuantization } from "../cache/index.ts";
import type { GenerateRequest, LoadRequest, SamplingOptions } from "../engine/types.ts";
import { InvalidArgumentError } from "../errors.ts";
import { isObject } from "../load/is-object.ts";
import { checkOptionNames } from "../option-names.ts";

const describe = (value: unknown): string =>
  typeof value === "string"
    ? `string ${JSON.stringify(value.slice(0, 40))}`
    : `${typeof value} ${String(value)}`;

const checkNumber = (
  name: string,
  value: number | undefined,
  { min, max = Number.POSITIVE_INFINITY, whole = false }: { min: number; max?: number; whole?: boolean },
): void => {
  if (value === undefined) return;
  const fits = typeof value === "number" && value >= min && value <= max && Number.isFinite(value);
  if (fits && (!whole || Number.isSafeInteger(value))) return;
  const kind = whole ? "a whole number" : "a number";
  const range = max === Number.POSITIVE_INFINITY ? `of at least ${min}` : `between ${min} and ${max}`;
  throw new InvalidArgumentError(`Expected ${kind} ${range} for ${name} but received ${describe(value)}`);
};

const checkLogitBias = (bias: SamplingOptions["logitBias"], vocabSize: number): void => {
  if (bias === undefined) return;
  if (typeof bias !== "object" || bias === null || Array.isArray(bias)) {
    throw new InvalidArgumentError(
      `Expected an object of token ids and numbers for logitBias but received ${describe(bias)}`,
    );
  }
  for (const [token, value] of Object.entries(bias)) {
    const id = Number(token);
    if (!Number.isInteger(id) || id < 0 || id >= vocabSize) {
      throw new InvalidArgumentError(
        `Expected token ids below ${vocabSize} in logitBias but received ${token}`,
      );
    }
    checkNumber(`logitBias[${token}]`, value, { min: -1000, max: 1000 });
  }
};

/**
 * Checks sampling options; unset ones pass.
 *
 * @throws {InvalidArgumentError} naming the option, its range and what it was
 */
const checkSampling = (options: SamplingOptions, vocabSize: number): void => {
  checkNumber("temperature", options.temperature, { min: 0, max: 100 });
  checkNumber("topP", options.topP, { min: 0, max: 1 });
  checkNumber("topK", options.topK, { min: 0, whole: true });
  checkNumber("minP", options.minP, { min: 0, max: 1 });
  checkNumber("repetitionPenalty", options.repetitionPenalty, { min: 0.01, max: 100 });
  checkNumber("repetitionContextSize", options.repetitionContextSize, { min: 0, whole: true });
  checkNumber("presencePenalty", options.presencePenalty, { min: -100, max: 100 });
  checkNumber("frequencyPenalty", options.frequencyPenalty, { min: -100, max: 100 });
  checkNumber("seed", options.seed, { min: 0, max: Number.MAX_SAFE_INTEGER, whole: true });
  checkLogitBias(options.logitBias, vocabSize);
};

/** Every option of a request. */
const OPTIONS: Readonly<Record<keyof GenerateRequest, true>> = {
  prompt: true,
  images: true,
  templateVariables: true,
  tools: true,
  maxTokens: true,
  stop: true,
  ignoreEos: true,
  constraint: true,
  reasoningBudget: true,
  keepSpecialTokens: true,
  adapter: true,
  promptLookup: true,
  numDraftTokens: true,
  prefillStepSize: true,
  logprobs: true,
  promptLogprobs: true,
  temperature: true,
  topP: true,
  topK: true,
  minP: true,
  repetitionPenalty: true,
  repetitionContextSize: true,
  presencePenalty: true,
  frequencyPenalty: true,
  logitBias: true,
  seed: true,
};

const MAX_DRAFTS = 64; // more are hardly ever right
const MAX_STOPS = 64; // each is searched in every piece of text

const isTextList = (value: unknown): boolean =>
  Array.isArray(value) &&
  value.length <= MAX_STOPS &&
  value.every((text) => typeof text === "string" && text !== "");

/** Checks everything in a request but its prompt. @throws {InvalidArgumentError} */
export const checkRequest = (request: GenerateRequest, vocabSize: number): void => {
  checkOptionNames(request, OPTIONS);
  checkSampling(request, vocabSize);
  if (request.maxTokens === undefined) throw new InvalidArgumentError("Expected maxTokens but it is missing");
  checkNumber("maxTokens", request.maxTokens, { min: 0, whole: true });
  checkNumber("prefillStepSize", request.prefillStepSize, { min: 1, whole: true });
  for (const name of ["logprobs", "promptLogprobs"] as const)
    checkNumber(name, request[name], { min: 0, max: vocabSize, whole: true });
  checkNumber("reasoningBudget", request.reasoningBudget, { min: 0, whole: true });
  checkNumber("numDraftTokens", request.numDraftTokens, { min: 0, max: MAX_DRAFTS, whole: true });
  for (const name of ["ignoreEos", "promptLookup"] as const) {
    const value = request[name];
    if (value === undefined || typeof value === "boolean") continue;
    throw new InvalidArgumentError(`Expected true or false for ${name} but received ${describe(value)}`);
  }
  if (request.constraint !== undefined && !isObject(request.constraint)) {
    throw new InvalidArgumentError(
      `Expected an object for constraint but received ${describe(request.constraint)}`,
    );
  }
  if (request.ignoreEos === true && request.constraint !== undefined) {
    throw new InvalidArgumentError(
      "Expected ignoreEos or constraint but received both: a constraint has an end",
    );
  }
  for (const name of ["stop", "keepSpecialTokens"] as const) {
    const list = request[name];
    if (list === undefined || isTextList(list)) continue;
    throw new InvalidArgumentError(`Expected at most ${MAX_STOPS} non-empty strings for ${name}`);
  }
};

/**
 * Checks token ids.
 *
 * @param standsForImage - whether a token outside of the vocabulary may be there; none by default
 * @throws {InvalidArgumentError} on an empty prompt or another id outside of the vocabulary
 */
export const checkPromptTokens = (
  tokens: readonly number[],
  vocabSize: number,
  standsForImage: (id: number) => boolean = () => false,
): void => {
  if (tokens.length === 0)
    throw new InvalidArgumentError("The prompt is empty: it has no tokens to continue");
  const isWord = (id: number): boolean => Number.isInteger(id) && id >= 0 && id < vocabSize;
  const wrong = tokens.find((id) => !isWord(id) && !standsForImage(id));
  if (wrong !== undefined)
    throw new InvalidArgumentError(`Token id ${wrong} is outside of the vocabulary of ${vocabSize}`);
};

const isOneOf = <T extends number>(value: number, ...allowed: T[]): value is T =>
  (allowed as number[]).includes(value);

/**
 * How a request to load a model has its caches quantized; undefined where it does not.
 *
 * @throws {InvalidArgumentError} on bits or groups that caches cannot have, or one option without `kvBits`
 */
export const kvQuantization = ({
  kvBits: bits,
  kvGroupSize,
  quantizedKvStart,
}: Pick<LoadRequest, "kvBits" | "kvGroupSize" | "quantizedKvStart">): KVQuantization | undefined => {
  if (bits === undefined) {
    if (kvGroupSize === undefined && quantizedKvStart === undefined) return undefined;
    throw new InvalidArgumentError("kvGroupSize and quantizedKvStart mean nothing without kvBits");
  }
  const [groupSize, start] = [kvGroupSize ?? 64, quantizedKvStart ?? 0];
  checkNumber("quantizedKvStart", start, { min: 0, whole: true });
  if (!isOneOf(bits, 2, 4, 8))
    throw new InvalidArgumentError(`Expected 2, 4 or 8 for kvBits but received ${describe(bits)}`);
  if (!isOneOf(groupSize, 32, 64, 128))
    throw new InvalidArgumentError(
      `Expected 32, 64 or 128 for kvGroupSize but received ${describe(groupSize)}`,
    );
  return { bits, groupSize, start };
};

const MAX_BATCH_SIZE = 1024; // far above what pays; keeps a typing error from taking all memory

/** Checks the option of a model; unset passes. @throws {InvalidArgumentError} */
export const checkMaxBatchSize = (maxBatchSize: number | undefined): void =>
  checkNumber("maxBatchSize", maxBatchSize, { min: 1, max: MAX_BATCH_SIZE, whole: true });

/** Checks the option of a model; unset passes. @throws {InvalidArgumentError} */
export const checkPromptBits = (bits: number | undefined): void => {
  if (bits === undefined || isOneOf(bits, 8, 16)) return;
  throw new InvalidArgumentError(`Expected 8 or 16 for promptBits but received ${describe(bits)}`);
};

/** Checks the options of a model that say what is kept of prompts; unset ones pass. @throws {InvalidArgumentError} */
export const checkPromptCache = (
  request: Pick<LoadRequest, "promptCacheBytes" | "promptCachePath" | "promptCacheDiskBytes">,
): void => {
  const { promptCacheBytes, promptCachePath: path, promptCacheDiskBytes } = request;
  checkNumber("promptCacheBytes", promptCacheBytes, { min: 0, whole: true });
  checkNumber("promptCacheDiskBytes", promptCacheDiskBytes, { min: 1, whole: true });
  if (path !== undefined && (typeof path !== "string" || path === ""))
    throw new InvalidArgumentError(`Expected a folder for promptCachePath but received ${describe(path)}`);
  if (path === undefined && promptCacheDiskBytes !== undefined)
    throw new InvalidArgumentError("promptCacheDiskBytes means nothing without promptCachePath");
  if (path !== undefined && promptCacheBytes === 0)
    throw new InvalidArgumentError(
      "promptCachePath keeps what promptCacheBytes: 0 does not; give one of them",
    );
};
