import {
  type AbstractLLMError,
  type AbstractLLMErrorOptions,
  AuthenticationError,
  ContentFilterError,
  ContextWindowExceededError,
  InvalidRequestError,
  ModelNotFoundError,
  ProviderAPIError,
  QuotaExceededError,
  RequestTimeoutError,
  UnsupportedFeatureError,
} from "../../errors/index.ts";
import type { ErrorBody } from "./error-body.ts";
import { readRetryAfter } from "./retry-after.ts";

/** Enough for what is wrong; a service may repeat a whole prompt after it. */
const MAX_MESSAGE_CHARACTERS = 500;

/** An error as a service reported it. */
export interface ServiceError {
  /** HTTP status; undefined for an error within a stream that had begun well. */
  readonly status: number | undefined;
  readonly body: ErrorBody;
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string>>;
}

/** Who asked what, for messages. */
export interface ServiceContext {
  readonly provider: string;
  readonly model: string;
  /** What to do about a model that is not there. */
  readonly modelHint?: ((model: string) => string) | undefined;
  /** Removes keys and prompts from what the service said. */
  redact(text: string): string;
}

type MakeError = (message: string, options: AbstractLLMErrorOptions, failure: Failure) => AbstractLLMError;

interface Failure extends ServiceError {
  readonly context: ServiceContext;
}

const invalid: MakeError = (message, options) => new InvalidRequestError(message, options);
const denied: MakeError = (message, options) => new AuthenticationError(message, options);
const limited: MakeError = (message, options) => new QuotaExceededError(message, options);
const spent: MakeError = (message, options) =>
  new QuotaExceededError(message, { ...options, retryable: false });
const filtered: MakeError = (message, options) => new ContentFilterError(message, options);
const failed: MakeError = (message, options) => new ProviderAPIError(message, options);
const passing: MakeError = (message, options) =>
  new ProviderAPIError(message, { retryable: true, ...options });
/** Known models are named; without one, it is the address that the service does not have. */
const lost: MakeError = (message, options) => new ProviderAPIError(`${message}; check baseUrl`, options);
const late: MakeError = (message, options) => new RequestTimeoutError(message, options);
const noModel: MakeError = (reason, options, { context }) => {
  const { model, modelHint } = context;
  const hint = modelHint === undefined ? "" : `. ${modelHint(model)}`;
  return new ModelNotFoundError(model, { ...options, reason: `${reason}${hint}` });
};
const tooLong: MakeError = (message, options, { body }) => {
  const [contextWindow, contentLength] = readLengths(body);
  return new ContextWindowExceededError(contextWindow, contentLength, message, options);
};
const noTools: MakeError = (message, options) => new UnsupportedFeatureError("tool_use", message, options);

const noThinking: MakeError = (message, options) =>
  new UnsupportedFeatureError("reasoning", message, options);

const noLogprobs: MakeError = (message, options) => new UnsupportedFeatureError("logprobs", message, options);

/** What a service's own words for its errors mean, codes before types. */
const BY_NAME: Readonly<Record<string, MakeError>> = {
  context_length_exceeded: tooLong,
  context_window_exceeded: tooLong,
  exceed_context_size_error: tooLong,
  content_filter: filtered,
  content_policy_violation: filtered,
  model_not_found: noModel,
  model_not_supported: noModel,
  insufficient_quota: spent,
  quota_exceeded: spent,
  billing_error: spent,
  rate_limit_exceeded: limited,
  rate_limit_error: limited,
  invalid_api_key: denied,
  authentication_error: denied,
  permission_error: denied,
  overloaded_error: passing,
  server_error: passing,
  api_error: passing,
  timeout_error: late,
};

/** What only the message tells, for services without codes; looked at for a status of 400, 403, 404, 413, 422 or 500. */
const BY_MESSAGE: readonly (readonly [RegExp, MakeError])[] = [
  [
    /maximum context length|context (size|window|length|limit)|prompt is too long|input is too long/i,
    tooLong,
  ],
  [/model\b.*\b(not found|does not exist|no such|not exist)|no models? loaded|^model: /i, noModel],
  [/credit balance is too low/i, spent],
  [
    /does not support tools|support tool use|tool choice requires --enable-auto|tools param requires --jinja/i,
    noTools, // Ollama, OpenRouter, vLLM, llama.cpp
  ],
  [/does not support thinking/i, noThinking],
  [/logprobs?\b.*\bnot (supported|enabled)|not allowed to request logprobs/i, noLogprobs],
];

const BY_STATUS: Readonly<Record<number, MakeError>> = {
  400: invalid,
  401: denied,
  402: spent,
  403: denied,
  404: lost,
  408: late,
  409: passing,
  413: invalid,
  422: invalid,
  425: limited,
  429: limited,
  501: failed,
};

/** The interface's error for what a service reported. */
export function mapServiceError(error: ServiceError, context: ServiceContext): AbstractLLMError {
  const { status, body, headers } = error;
  const { type, code, param } = body;
  const details = Object.entries({ status, type, code, param }).filter(([, value]) => value !== undefined);
  const asked = headers["x-should-retry"];
  const options: AbstractLLMErrorOptions = {
    provider: context.provider,
    details: Object.fromEntries(details),
    retryAfterMs: readRetryAfter(headers) ?? loadingTimeMs(body),
    requestId: headers["x-request-id"] ?? headers["request-id"] ?? body.requestId,
    ...(asked === "true" || asked === "false" ? { retryable: asked === "true" } : {}),
  };
  return chooseError(error)(describe(error, context), options, { ...error, context });
}

function chooseError({ status, body }: ServiceError): MakeError {
  for (const name of [body.code, body.type]) {
    if (name !== undefined && Object.hasOwn(BY_NAME, name)) return BY_NAME[name] ?? failed;
  }
  const { message = "" } = body;
  if (status === undefined || [400, 403, 404, 413, 422, 500].includes(status)) {
    const known = BY_MESSAGE.find(([pattern]) => pattern.test(message.slice(0, MAX_MESSAGE_CHARACTERS)));
    if (known !== undefined) return known[1];
  }
  if (status === undefined) return failed;
  return BY_STATUS[status] ?? (status >= 500 ? passing : failed);
}

function describe({ status, body }: ServiceError, { redact }: ServiceContext): string {
  const said = redact(body.message ?? "").replace(/\s+/g, " ");
  const short = said.length > MAX_MESSAGE_CHARACTERS ? `${said.slice(0, MAX_MESSAGE_CHARACTERS)}…` : said;
  const where = status === undefined ? "" : `HTTP ${status}`;
  if (short === "") return `The service answered with an error${where && `: ${where}`}`;
  return where === "" ? short : `${short} (${where})`;
}

/** How long Hugging Face says that a model takes to load. */
function loadingTimeMs({ numbers }: ErrorBody): number | undefined {
  return numbers.estimated_time === undefined ? undefined : Math.ceil(numbers.estimated_time * 1000);
}

/** The model's limit and what was asked for, where the service says so. */
function readLengths({ message = "", numbers }: ErrorBody): [number | undefined, number | undefined] {
  if (numbers.n_ctx !== undefined) return [numbers.n_ctx, numbers.n_prompt_tokens];
  const text = message.slice(0, MAX_MESSAGE_CHARACTERS).replace(/(\d),(?=\d{3})/g, "$1");
  const greater = /(\d+)(?: \+ (\d+)| tokens) > (\d+)/.exec(text); // Anthropic
  if (greater !== null) return [Number(greater[3]), Number(greater[1]) + Number(greater[2] ?? 0)];
  const limit = /(?:context (?:length|size|window)[^\d]{0,40}|n_ctx[^\d]{0,5})(\d+)/i.exec(text)?.[1];
  const asked = /(?:requested|resulted in|request \(|contains at least)[^\d]{0,20}(\d+)/i.exec(text)?.[1];
  return [limit, asked].map((digits) => (digits === undefined ? undefined : Number(digits))) as [
    number | undefined,
    number | undefined,
  ];
}
