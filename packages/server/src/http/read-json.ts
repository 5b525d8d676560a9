import type { IncomingMessage } from "node:http";
import { RequestProblem } from "./request-problem.ts";

/** Deeper ones are attacks on whoever walks through them (CWE-674). */
const MAX_DEPTH = 256;

/** What bodies may be called: JSON, nothing, or what curl says of every body. */
const MEDIA_TYPE = /^(application\/json|application\/x-www-form-urlencoded)\s*(;|$)/i;

/**
 * Reads a body of JSON.
 *
 * @throws {RequestProblem} for a body that is too large, compressed, no UTF-8 or no JSON
 */
export async function readJson(request: IncomingMessage, limitBytes: number): Promise<unknown> {
  const { "content-type": type, "content-encoding": encoding, "content-length": length } = request.headers;
  if (type !== undefined && !MEDIA_TYPE.test(type)) {
    throw new RequestProblem("media-type", "Expected a body of application/json");
  }
  if (encoding !== undefined && encoding.toLowerCase() !== "identity") {
    throw new RequestProblem("media-type", "Compressed bodies are not read; send the JSON as it is");
  }
  if (Number(length) > limitBytes) throw tooLarge(limitBytes);
  return parse(await readBytes(request, limitBytes));
}

async function readBytes(request: IncomingMessage, limitBytes: number): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request.iterator({ destroyOnReturn: false })) {
    size += chunk.length;
    if (size > limitBytes) break;
    chunks.push(chunk);
  }
  if (size <= limitBytes) return Buffer.concat(chunks);
  request.resume(); // a client that still sends would find its connection reset instead of the answer
  throw tooLarge(limitBytes);
}

function parse(bytes: Buffer): unknown {
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch (cause) {
    const reason = cause instanceof SyntaxError ? "JSON" : "UTF-8";
    throw new RequestProblem("invalid", `The body is not ${reason}`, { cause });
  }
  checkDepth(value);
  return value;
}

function checkDepth(value: unknown): void {
  let level: unknown[] = [value];
  for (let depth = 0; level.length > 0; depth++) {
    if (depth > MAX_DEPTH) {
      throw new RequestProblem("invalid", `The body is nested more than ${MAX_DEPTH} levels deep`);
    }
    level = level.flatMap((item) => (typeof item === "object" && item !== null ? Object.values(item) : []));
  }
}

function tooLarge(limitBytes: number): RequestProblem {
  return new RequestProblem("too-large", `The body is larger than ${limitBytes} bytes`);
}
