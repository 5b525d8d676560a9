import { createHash } from "node:crypto";
import type { DownloadProgress } from "abstractllm";
import { flag, HARMLESS, nonEmptyText, readFields } from "../../fields/index.ts";
import { RequestProblem } from "../../http/request-problem.ts";
import type { Frame } from "../dialect.ts";

/** What becomes of each field of `/api/pull`. */
const PULL_FIELDS = {
  model: nonEmptyText,
  name: nonEmptyText, // an older name of model
  stream: flag,
  insecure: HARMLESS, // the hub's address is the server's affair
} as const;

/** What becomes of each field of `/api/delete`. */
const DELETE_FIELDS = { model: nonEmptyText, name: nonEmptyText } as const;

/** A model to download. */
interface Pull {
  readonly model: string;
  readonly isStreamed: boolean;
}

/** Reads the body of `/api/pull`. @throws {RequestProblem} naming the field */
export function readPull(body: unknown): Pull {
  const { name, model = name, stream } = readFields(body, PULL_FIELDS);
  return { model: named(model), isStreamed: stream !== false };
}

/** Reads the body of `/api/delete`: the model's name. @throws {RequestProblem} naming the field */
export function readDelete(body: unknown): string {
  const { name, model = name } = readFields(body, DELETE_FIELDS);
  return named(model);
}

function named(model: string | undefined): string {
  if (model !== undefined) return model;
  throw new RequestProblem("invalid", "model is missing", { param: "model" });
}

/** The first line of a download. */
export const PULL_BEGINS: Frame = { data: { status: "pulling manifest" } };

/** The last one, and the whole answer where it is not streamed. */
export const PULLED = { status: "success" } as const;

/** How far a file is. Clients show one bar for each digest, by its first digits. */
export function writeProgress({ file, receivedBytes, totalBytes }: DownloadProgress): Frame {
  const digest = `sha256:${createHash("sha256").update(file).digest("hex")}`;
  return { data: { status: `pulling ${file}`, digest, total: totalBytes, completed: receivedBytes } };
}
