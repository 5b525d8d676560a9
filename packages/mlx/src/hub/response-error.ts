import { HubError } from "../errors.ts";
import type { HubContext } from "./hub-context.ts";
import { parseRetryAfter, RetryableFailure } from "./retry.ts";

/** What a request was about, for its error messages. */
export interface RequestSubject {
  repo: string;
  revision: string;
  /** The file asked for; undefined for the listing of a repository. */
  file?: string;
}

const RETRYABLE_STATUS = new Set([408, 429, 500, 502, 503, 504]);

/**
 * Turns an answer other than 2xx into the error to throw: what happened and what to do.
 *
 * @see huggingface_hub 2.4 utils/_http.py, for the meaning of `X-Error-Code`
 */
export function responseError(
  response: Response,
  subject: RequestSubject,
  context: HubContext,
): HubError | RetryableFailure {
  const { repo, revision, file } = subject;
  const { endpoint } = context.settings;
  const code = response.headers.get("x-error-code");
  const details = { repo, revision, status: response.status, ...(file === undefined ? {} : { file }) };
  const fail = (kind: "model-not-found" | "gated" | "network", message: string) =>
    new HubError(kind, message, { details });

  if (RETRYABLE_STATUS.has(response.status)) return busyError(response, fail, context);
  if (code === "GatedRepo") return fail("gated", gatedMessage(subject, context));
  if (code === "RevisionNotFound") {
    return fail("model-not-found", `${repo} has no revision ${JSON.stringify(revision)} on ${endpoint}.`);
  }
  if (code === "EntryNotFound" || (response.status === 404 && file !== undefined)) {
    return fail("model-not-found", `${repo} has no file ${JSON.stringify(file)} at revision ${revision}.`);
  }
  if (code === "RepoNotFound" || response.status === 404) {
    return fail(
      "model-not-found",
      `No model ${repo} on ${endpoint}. Check the spelling; if it is private, set HF_TOKEN to a token that may read it.`,
    );
  }
  if (response.status === 401 || response.status === 403)
    return fail("gated", gatedMessage(subject, context));
  return fail("network", `${endpoint} answered ${response.status} for ${file ?? "the listing"} of ${repo}.`);
}

function busyError(
  response: Response,
  fail: (kind: "network", message: string) => HubError,
  context: HubContext,
): HubError | RetryableFailure {
  const { endpoint } = context.settings;
  const retryAfterMs = parseRetryAfter(response.headers.get("retry-after"));
  if (retryAfterMs !== undefined && retryAfterMs > context.limits.maxRetryAfterMs) {
    const seconds = Math.ceil(retryAfterMs / 1000);
    return fail(
      "network",
      `${endpoint} answered ${response.status} and asks to wait ${seconds} s. Try again then.`,
    );
  }
  const meaning = response.status === 429 ? "too many requests" : "the server failed";
  return new RetryableFailure(
    fail("network", `${endpoint} keeps answering ${response.status} (${meaning}). Try again later.`),
    { retryAfterMs },
  );
}

function gatedMessage({ repo }: RequestSubject, { settings }: HubContext): string {
  const page = `${settings.endpoint}/${repo}`;
  return settings.token === undefined
    ? `${repo} needs an account: accept its licence at ${page}, then set HF_TOKEN to a token of that account.`
    : `The token sent may not read ${repo}: accept the licence at ${page} with its account, ` +
        "or set HF_TOKEN to a token with read access.";
}
