import { type DownloadProgress, ModelNotFoundError } from "abstractllm";
import {
  PULL_BEGINS,
  PULLED,
  readDelete,
  readPull,
  writeProgress,
} from "../dialects/ollama/change-models.ts";
import { writeOllamaError } from "../dialects/ollama/index.ts";
import { EventSender } from "../http/event-sender.ts";
import type { Exchange } from "../http/exchange.ts";
import { RequestProblem } from "../http/request-problem.ts";
import { toProblem } from "../http/to-problem.ts";
import { readBody } from "./read-call.ts";
import { reportFailure } from "./report-failure.ts";
import type { Services } from "./route.ts";

/** `/api/pull`. */
export async function pullModel(exchange: Exchange, services: Services): Promise<void> {
  requireAllowed(services);
  const { body } = await readBody(exchange, services.options);
  const { model, isStreamed } = readPull(body);
  const { signal } = exchange;
  const download = (onProgress: (progress: DownloadProgress) => void) =>
    told(model, services.models.download(model, { signal, onProgress }));
  if (isStreamed) return sendProgress(download, exchange, services);
  await download(() => {});
  exchange.sendJson(PULLED);
}

/** `/api/delete`. */
export async function removeModel(exchange: Exchange, services: Services): Promise<void> {
  requireAllowed(services);
  const { body } = await readBody(exchange, services.options);
  const model = readDelete(body);
  await told(model, services.models.remove(model));
  exchange.sendText("", "text/plain; charset=utf-8");
}

/** What would make models of Ollama's own, which are none here. */
export async function refuseChange(): Promise<void> {
  const message =
    "Models are repositories of the Hugging Face hub: /api/pull downloads them, and the server's operator gives them other names and options";
  throw new RequestProblem("invalid", message);
}

/** @throws {RequestProblem} where the operator did not allow clients to write to the disk */
function requireAllowed({ options }: Services): void {
  if (options.allowModelChanges) return;
  const message =
    "Clients of this server may not download or delete models; its operator can allow it with allowModelChanges (--allow-model-changes)";
  throw new RequestProblem("permission", message);
}

/** Work on a model that the client named: that there is none is its own mistake. */
async function told(model: string, work: Promise<void>): Promise<void> {
  try {
    await work;
  } catch (cause) {
    if (!ModelNotFoundError.isInstance(cause)) throw cause;
    const message = `The model ${JSON.stringify(model)} was not found`;
    throw new RequestProblem("not-found", message, { param: "model", cause });
  }
}

/** Sends lines about a download while the client reads them; one that does not read ends it. */
async function sendProgress(
  download: (onProgress: (progress: DownloadProgress) => void) => Promise<void>,
  exchange: Exchange,
  services: Services,
): Promise<void> {
  const { keepAliveMs, stallTimeoutMs: stallMs } = services.options;
  const sender = new EventSender(exchange.response, {
    framing: "ndjson",
    keepAlive: undefined,
    keepAliveMs,
    stallMs,
  });
  await sender.send([PULL_BEGINS]);
  try {
    await download((progress) => {
      if (exchange.response.writableNeedDrain) return;
      sender.send([writeProgress(progress)]).catch((error: unknown) => exchange.abort(error));
    });
    await sender.send([{ data: PULLED }]);
  } catch (error) {
    if (exchange.isAbandoned) throw error;
    reportFailure(error, 200, exchange, services);
    await sender.send([{ data: writeOllamaError(toProblem(error), exchange.id).body }]);
  }
  exchange.response.end();
}
