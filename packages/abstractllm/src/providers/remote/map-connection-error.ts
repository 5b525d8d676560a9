import { AbstractLLMError, ProviderAPIError, ProviderConnectionError } from "../../errors/index.ts";
import { WireError } from "./wire-error.ts";

/** Where a request went, for messages. */
export interface ConnectionContext {
  readonly provider: string;
  /** Origin of the service. */
  readonly origin: string;
  /** What to do when nothing listens there. */
  readonly startHint?: string | undefined;
}

const BROKEN = "The connection to";

/** An error of network or protocol as the interface's own; anything else comes back as it is. */
export function mapConnectionError(error: unknown, context: ConnectionContext): unknown {
  if (AbstractLLMError.isInstance(error)) return error; // has a code too
  if (error instanceof WireError) {
    const ErrorClass = error.kind === "connection" ? ProviderConnectionError : ProviderAPIError;
    return new ErrorClass(error.message, { provider: context.provider, cause: error.cause });
  }
  const code = errorCode(error);
  if (code === undefined) return error;
  const { provider, origin, startHint } = context;
  const options = { provider, cause: error, details: { code } };
  const hint = startHint === undefined ? "; check baseUrl and that the service runs" : `. ${startHint}`;
  if (code === "ECONNREFUSED") {
    return new ProviderConnectionError(`Nothing listens at ${origin}${hint}`, options);
  }
  if (code === "ENOTFOUND" || code === "EAI_AGAIN") {
    return new ProviderConnectionError(`The host of ${origin} is not known; check baseUrl and the network`, {
      ...options,
      retryable: code === "EAI_AGAIN",
    });
  }
  if (/CERT|SIGNATURE|ERR_TLS|ERR_SSL|EPROTO/.test(code)) {
    const message = `${BROKEN} ${origin} is not secure (${code}); check baseUrl and the certificates of this machine`;
    return new ProviderConnectionError(message, { ...options, retryable: false });
  }
  if (code.startsWith("HPE_")) {
    const message = `What answers at ${origin} does not speak HTTP (${code}); check baseUrl`;
    return new ProviderConnectionError(message, { ...options, retryable: false });
  }
  return new ProviderConnectionError(`${BROKEN} ${origin} broke (${code})`, options);
}

/** The system's code, also of the attempts of one connection to several addresses. */
function errorCode(error: unknown): string | undefined {
  if (!(error instanceof Error)) return undefined;
  const { code } = error as NodeJS.ErrnoException;
  if (typeof code === "string") return code;
  return error instanceof AggregateError ? errorCode(error.errors[0]) : undefined;
}
