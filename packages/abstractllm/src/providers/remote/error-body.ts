/** What the body of an error says, whatever its shape. */
export interface ErrorBody {
  readonly message?: string | undefined;
  /** The service's kind of error, such as `"invalid_request_error"`. */
  readonly type?: string | undefined;
  /** The service's code, such as `"context_length_exceeded"`. */
  readonly code?: string | undefined;
  /** The parameter that is wrong. */
  readonly param?: string | undefined;
  /** Everything else that is a number, such as llama.cpp's `n_ctx`. */
  readonly numbers: Readonly<Record<string, number>>;
}

/**
 * Reads the body of an error.
 *
 * Known shapes: `{ error: { message, type, code, param } }` (OpenAI, Anthropic, llama.cpp), the same without the outer
 * object (vLLM), `{ error: "…" }` (Ollama, Hugging Face), `{ detail: "…" | [{ msg, loc }] }` (FastAPI), an array of
 * one of these (Google). Of HTML only the title is taken.
 */
export function parseErrorBody(text: string): ErrorBody {
  const body = parseJson(text);
  return body === undefined ? { message: plainMessage(text), numbers: {} } : readErrorBody(body);
}

/** The same for a body that is parsed already. */
export function readErrorBody(body: unknown): ErrorBody {
  if (Array.isArray(body) && body.length > 0) return readErrorBody(body[0]);
  if (typeof body === "string") return { message: body, numbers: {} };
  if (!isRecord(body)) return { numbers: {} };
  if (isRecord(body.error)) return readFields(body.error);
  if (typeof body.error === "string") return readFields({ ...body, message: body.error });
  return readFields({ ...body, message: body.message ?? readDetail(body.detail) });
}

function readFields(fields: Record<string, unknown>): ErrorBody {
  const numbers = Object.entries(fields).filter(([, value]) => typeof value === "number");
  return {
    message: readText(fields.message),
    type: readText(fields.type),
    code: readText(fields.code),
    param: readText(fields.param),
    numbers: Object.fromEntries(numbers) as Record<string, number>,
  };
}

/** FastAPI's list of problems; their `input` repeats the request and is left out. */
function readDetail(detail: unknown): string | undefined {
  if (!Array.isArray(detail)) return readText(detail);
  const problems = detail.filter(isRecord).map(({ msg, loc }) => {
    const place = Array.isArray(loc) ? `${loc.filter((key) => key !== "body").join(".")}: ` : "";
    return `${place}${readText(msg) ?? "invalid"}`;
  });
  return problems.join("; ");
}

function plainMessage(text: string): string | undefined {
  if (!/^\s*</.test(text)) return text.trim() || undefined;
  return /<title>([^<]*)<\/title>/i.exec(text.slice(0, 10_000))?.[1]?.trim() || undefined;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function readText(value: unknown): string | undefined {
  return typeof value === "string" && value !== "" ? value : undefined;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
