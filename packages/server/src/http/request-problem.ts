/** Why a request fails, in terms of HTTP; dialects have words of their own for each. */
export type ProblemKind =
  | "invalid"
  | "context-length"
  | "authentication"
  | "permission"
  | "not-found"
  | "method"
  | "timeout"
  | "too-large"
  | "media-type"
  | "rate-limit"
  | "overloaded"
  | "upstream"
  | "server";

/** The status of each kind; a dialect may have another one. */
export const STATUS_OF: Readonly<Record<ProblemKind, number>> = {
  invalid: 400,
  "context-length": 400,
  authentication: 401,
  permission: 403,
  "not-found": 404,
  method: 405,
  timeout: 504,
  "too-large": 413,
  "media-type": 415,
  "rate-limit": 429,
  overloaded: 503,
  upstream: 502,
  server: 500,
};

interface RequestProblemOptions {
  /** The field that is wrong. */
  readonly param?: string;
  /** OpenAI's word for it, where there is one for less than its kind. */
  readonly code?: string;
  /** When to come back. */
  readonly retryAfterMs?: number | undefined;
  /** Headers that go with the answer. */
  readonly headers?: Readonly<Record<string, string>>;
  readonly cause?: unknown;
}

/** A request that fails, with a message that the client may read. */
export class RequestProblem extends Error {
  override readonly name = "RequestProblem";
  readonly kind: ProblemKind;
  readonly param: string | undefined;
  readonly code: string | undefined;
  readonly retryAfterMs: number | undefined;
  readonly headers: Readonly<Record<string, string>>;

  constructor(kind: ProblemKind, message: string, options: RequestProblemOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.kind = kind;
    this.param = options.param;
    this.code = options.code;
    this.retryAfterMs = options.retryAfterMs;
    this.headers = options.headers ?? {};
  }
}
