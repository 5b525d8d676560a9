import { InvalidParameterError } from "abstractllm";
import {
  type Check,
  callback,
  flag,
  kindOf,
  listOf,
  naturalNumber,
  nonEmptyText,
  object,
  originList,
  port,
  positiveInteger,
} from "../fields/index.ts";
import { isLoopback } from "../http/is-loopback.ts";
import { checkModel, type ModelConfig, type ModelSource } from "../models/index.ts";

/** What a failed request is told to the log. */
export interface RequestFailure {
  /** The request's id, which the client has in `x-request-id`. */
  readonly requestId: string;
  readonly method: string;
  readonly path: string;
  readonly status: number;
  readonly error: unknown;
}

/** Options of `createServer`. */
export interface ServerOptions {
  /** Models by the names that clients call them: an LLM, or a provider and what `createLLM` takes for it. */
  readonly models?: Readonly<Record<string, ModelSource>> | undefined;
  /** A provider whose models are all served, by their own names: `mlx` has those in the Hugging Face cache. */
  readonly otherModels?: ModelConfig | undefined;
  /** Address to listen at. Default `"127.0.0.1"`; one that others can reach needs `apiKey`. */
  readonly host?: string | undefined;
  /** Port to listen at; 0 takes a free one. Default 8080. */
  readonly port?: number | undefined;
  /** Key that clients must send, as `Authorization: Bearer` or `x-api-key`. Default: none. */
  readonly apiKey?: string | undefined;
  /** Listen without a key where others can reach it. Default false. */
  readonly allowPublic?: boolean | undefined;
  /** Names of this host beside the loopback's. Default: none on a loopback address, any on others. */
  readonly allowedHosts?: readonly string[] | undefined;
  /** Origins whose pages may ask this server; `"*"` is every one. Default: none. */
  readonly cors?: readonly string[] | undefined;
  /**
   * Fields of requests that are passed over instead of refused or carried out, for clients that send what a model does
   * not have; the answer's `warnings` say so. Default: none.
   */
  readonly ignoreFields?: readonly string[] | undefined;
  /** Images and files may come from addresses of private networks and this machine. Default false. */
  readonly allowPrivateUrls?: boolean | undefined;
  /**
   * Clients may download models and delete them, which are those of `otherModels` with the provider mlx: Ollama's
   * `/api/pull` and `/api/delete`. Default false.
   */
  readonly allowModelChanges?: boolean | undefined;
  /** Most calls of models at once, waiting ones included; more are refused with 503 or 529. Default 256. */
  readonly maxCalls?: number | undefined;
  /** Most connections at once. Default 1024. */
  readonly maxConnections?: number | undefined;
  /**
   * Most finished responses of OpenAI's `/v1/responses` that stay in memory, for requests that go on with them by
   * `previous_response_id`; the oldest go first. 0 keeps none. Default 1000.
   */
  readonly maxStoredResponses?: number | undefined;
  /** Most bytes that these take, as JSON with all that they answer. Default 128 MiB. */
  readonly maxStoredBytes?: number | undefined;
  /** Most bytes of a request's body. Default 64 MiB. */
  readonly bodyLimitBytes?: number | undefined;
  /** Most milliseconds until a whole request has come. Default 60 s. */
  readonly requestTimeoutMs?: number | undefined;
  /** Milliseconds of silence after which a streamed answer gets a sign of life. Default 10 s. */
  readonly keepAliveMs?: number | undefined;
  /** Most milliseconds that a client may leave its answer unread. Default 30 s. */
  readonly stallTimeoutMs?: number | undefined;
  /** Called for each request that fails, for a log. The error's message may hold parts of a request. */
  readonly onFailure?: ((failure: RequestFailure) => void) | undefined;
}

/** Options with all defaults. */
export type CheckedOptions = ServerOptions & {
  readonly [Name in keyof typeof DEFAULTS]: NonNullable<ServerOptions[Name]>;
};

const DEFAULTS = {
  models: {},
  host: "127.0.0.1",
  port: 8080,
  cors: [],
  ignoreFields: [],
  allowPrivateUrls: false,
  allowModelChanges: false,
  maxCalls: 256,
  maxConnections: 1024,
  maxStoredResponses: 1000,
  maxStoredBytes: 128 * 2 ** 20, // of conversations with images, whose requests may have half of it
  bodyLimitBytes: 64 * 2 ** 20,
  requestTimeoutMs: 60_000,
  keepAliveMs: 10_000,
  stallTimeoutMs: 30_000,
} as const;

const CHECKS: Readonly<Record<keyof ServerOptions, Check>> = {
  models: object,
  otherModels: object,
  host: nonEmptyText,
  port,
  apiKey: nonEmptyText,
  allowPublic: flag,
  allowedHosts: listOf(nonEmptyText),
  cors: originList,
  ignoreFields: listOf(nonEmptyText),
  allowPrivateUrls: flag,
  allowModelChanges: flag,
  maxCalls: positiveInteger,
  maxConnections: positiveInteger,
  maxStoredResponses: naturalNumber,
  maxStoredBytes: positiveInteger,
  bodyLimitBytes: positiveInteger,
  requestTimeoutMs: positiveInteger,
  keepAliveMs: positiveInteger,
  stallTimeoutMs: positiveInteger,
  onFailure: callback,
};

/**
 * Checks what a server is made of, and fills in what is not said.
 *
 * @throws {InvalidParameterError} naming the option
 */
export function checkOptions(options: ServerOptions): CheckedOptions {
  if (!object.accepts(options)) {
    const message = `Expected object for the server's options but received ${kindOf(options)}`;
    throw new InvalidParameterError("options", undefined, message);
  }
  const given = Object.entries(options).filter(([, value]) => value !== undefined);
  for (const [name, value] of given) {
    const check = Object.hasOwn(CHECKS, name) ? CHECKS[name as keyof ServerOptions] : undefined;
    if (check === undefined) {
      const known = Object.keys(CHECKS).join(", ");
      throw new InvalidParameterError(name, value, `Unknown option "${name}". Options: ${known}`);
    }
    if (check.accepts(value)) continue;
    const message = `Expected ${check.expected} for ${name} but received ${kindOf(value)}`;
    throw new InvalidParameterError(name, value, message);
  }
  // no prototype: what a polluted one holds is no option (CWE-1321)
  const checked: CheckedOptions = Object.assign(Object.create(null), DEFAULTS, Object.fromEntries(given));
  if (Object.keys(checked.models).length === 0 && checked.otherModels === undefined) {
    throw new InvalidParameterError("models", {}, "There is no model to serve; give models or otherModels");
  }
  for (const [name, source] of Object.entries(checked.models)) checkModel(source, `models.${name}`);
  if (checked.otherModels !== undefined) checkModel(checked.otherModels, "otherModels");
  if (!isLoopback(checked.host) && checked.apiKey === undefined && checked.allowPublic !== true) {
    const message = `Others can reach ${checked.host}; give an apiKey, or allowPublic: true to serve everybody`;
    throw new InvalidParameterError("host", checked.host, message);
  }
  return checked;
}
