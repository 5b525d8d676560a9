import type { AbstractLLM, LLMStream, StreamPart } from "abstractllm";
import { type Answer, AnswerParts, type Call, cutOffAnswer, toAnswer } from "../answer/index.ts";
import type { Operation, Stamp } from "../dialects/dialect.ts";
import { EventSender } from "../http/event-sender.ts";
import type { Exchange } from "../http/exchange.ts";
import { RequestProblem } from "../http/request-problem.ts";
import { toProblem } from "../http/to-problem.ts";
import { askedOptions, readCall } from "./read-call.ts";
import { reportFailure } from "./report-failure.ts";
import type { Services } from "./route.ts";

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
    const call = await readCall(operation, exchange, services.options);
    const llm = await models.open(call.model, signal);
    const errand = operation.errand?.(call, stampOf(exchange));
    if (errand !== undefined) {
      await (errand.what === "load" ? llm.load({ signal }) : models.giveBack(call.model));
      exchange.sendJson(errand.answer);
      return;
    }
    try {
      await sendAnswer(operation, call, llm, place, exchange, services);
    } finally {
      if (operation.isLast?.(call) === true) await models.giveBack(call.model);
    }
  } finally {
    place.leave();
  }
}

/** Has a model answer a call. */
async function sendAnswer<C extends Call>(
  operation: Operation<C>,
  call: C,
  llm: AbstractLLM,
  place: Place,
  exchange: Exchange,
  services: Services,
): Promise<void> {
  const { allowPrivateUrls } = services.options;
  const { signal } = exchange;
  const stream = llm.stream(call.prompt, { ...askedOptions(call, llm), allowPrivateUrls, signal });
  const parts = noticing(stream, place.hasBegun);
  const end = () => answerOf(stream, call);
  if (call.isStreamed) await sendEvents(operation, call, parts, end, exchange, services);
  else {
    for await (const _ of parts); // so that the first is noticed
    exchange.sendJson(operation.whole(await end(), call, stampOf(exchange)));
  }
  services.metrics.answer((await end()).usage, place.seconds());
}

const stampOf = ({ id, at, startedMs }: Exchange): Stamp => ({ id, at, startedMs });

async function sendEvents<C extends Call>(
  operation: Operation<C>,
  call: C,
  parts: AsyncIterable<StreamPart>,
  end: () => Promise<Answer>,
  exchange: Exchange,
  services: Services,
): Promise<void> {
  const { keepAliveMs, stallTimeoutMs: stallMs } = services.options;
  const { framing, keepAlive } = operation;
  const sender = new EventSender(exchange.response, { framing, keepAlive, keepAliveMs, stallMs });
  const writer = operation.events(call, stampOf(exchange));
  const order = new AnswerParts(call);
  try {
    for await (const part of parts) {
      await sender.send(order.read(part).flatMap((each) => writer.part(each)));
    }
    const answer = await end();
    const last = order.finish(answer).flatMap((each) => writer.part(each));
    await sender.send([...last, ...writer.finish(answer)]);
  } catch (error) {
    if (!sender.hasBegun || exchange.isAbandoned) throw error;
    reportFailure(error, 200, exchange, services);
    await sender.send(writer.fail(toProblem(error)));
  } finally {
    sender.stop();
  }
  exchange.response.end();
}

/** The answer of a stream that was read to its end. */
async function answerOf(stream: LLMStream, call: Call): Promise<Answer> {
  try {
    return toAnswer(await stream.response, call);
  } catch (error) {
    const cutOff = cutOffAnswer(error, stream.written, call);
    if (cutOff === undefined) throw error;
    return cutOff;
  }
}

/** Hands parts on and says when the first comes. */
async function* noticing(stream: LLMStream, onFirst: () => void): AsyncGenerator<StreamPart> {
  for await (const part of stream) {
    if (part.type !== "error") onFirst();
    yield part;
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
