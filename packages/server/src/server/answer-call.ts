import type { Call } from "../answer/index.ts";
import type { Operation } from "../dialects/dialect.ts";
import type { Exchange } from "../http/exchange.ts";
import { RequestProblem } from "../http/request-problem.ts";
import { readCall } from "./read-call.ts";
import type { Services } from "./route.ts";
import { sendAnswers, stampOf } from "./send-answers.ts";

/** How long a client that was turned away is asked to wait. */
const BUSY_RETRY_MS = 1000;

/** Reads a request of a dialect, has its model answer, and writes the answer. */
export async function answerCall<C extends Call>(
  operation: Operation<C>,
  exchange: Exchange,
  services: Services,
): Promise<void> {
  const { models } = services;
  const { signal } = exchange;
  const place = takePlace(services, exchange);
  try {
    const call = await readCall(operation, exchange, services);
    const llm = await models.open(call.model, signal);
    const errand = operation.errand?.(call, stampOf(exchange));
    if (errand !== undefined) {
      await (errand.what === "load" ? llm.load({ signal }) : models.giveBack(call.model));
      exchange.sendJson(errand.answer);
      return;
    }
    try {
      const answers = await sendAnswers(operation, call, llm, place.hasBegun, exchange, services);
      for (const { usage } of answers ?? []) services.metrics.answer(usage, place.seconds());
    } finally {
      if (operation.isLast?.(call) === true) await models.giveBack(call.model);
    }
  } finally {
    place.leave();
  }
}

/** A call among those that run. */
interface Place {
  /** Since its request came. */
  seconds(): number;
  /** Says that its answer has begun. */
  hasBegun(): void;
  leave(): void;
}

/** Counts a call among those that run. @throws {RequestProblem} when there are too many */
function takePlace({ metrics, options }: Services, { startedMs }: Exchange): Place {
  if (metrics.running >= options.maxCalls) {
    const message = "The server has as many requests as it takes; try again later";
    throw new RequestProblem("overloaded", message, { retryAfterMs: BUSY_RETRY_MS });
  }
  metrics.running++;
  metrics.waiting++;
  let isWaiting = true;
  const seconds = () => (performance.now() - startedMs) / 1000;
  const stopWaiting = () => {
    if (isWaiting) metrics.waiting--;
    isWaiting = false;
  };
  return {
    seconds,
    hasBegun: () => {
      if (isWaiting) metrics.firstToken(seconds());
      stopWaiting();
    },
    leave: () => {
      stopWaiting();
      metrics.running--;
    },
  };
}
