import type { AbstractLLM, LLMStream, StreamPart } from "abstractllm";
import {
  type Answer,
  type AnswerPart,
  AnswerParts,
  type Answers,
  type Call,
  cutOffAnswer,
  mapSome,
  type Some,
  toAnswer,
} from "../answer/index.ts";
import type { EventWriter, Frame, Operation, Stamp } from "../dialects/dialect.ts";
import { EventSender } from "../http/event-sender.ts";
import type { Exchange } from "../http/exchange.ts";
import { toProblem } from "../http/to-problem.ts";
import { askedOptions } from "./read-call.ts";
import { reportFailure } from "./report-failure.ts";
import type { Services } from "./route.ts";

/** One of the answers to a request, as its model writes it. */
interface Choice<C> {
  readonly call: C;
  readonly stream: LLMStream;
}

/**
 * Has a model answer a call, in as many choices as it asks for, and sends what it answers.
 *
 * @param onPart - called with each part that comes of it
 * @returns undefined where the answer broke off when some of it was sent, which the client and the log are told
 * @throws what it failed with before
 */
export async function sendAnswers<C extends Call>(
  operation: Operation<C>,
  call: C,
  llm: AbstractLLM,
  onPart: () => void,
  exchange: Exchange,
  services: Services,
): Promise<Answers | undefined> {
  const { allowPrivateUrls } = services.options;
  const { signal } = exchange;
  const begin = (each: C): Choice<C> => {
    const options = { ...askedOptions(each, llm), allowPrivateUrls, signal };
    return { call: each, stream: llm.stream(each.prompt, options) };
  };
  const choices = mapSome(operation.choices?.(call) ?? [call], begin);
  if (call.isStreamed) return sendEvents(operation, call, choices, onPart, exchange, services);
  const answers = await allOf(choices, async (choice) => {
    for await (const _ of noticing(choice.stream, onPart)); // so that the first is noticed
    return answerOf(choice);
  });
  exchange.sendJson(operation.whole(answers, call, stampOf(exchange)));
  return answers;
}

/** What identifies the answer to a request. */
export const stampOf = ({ id, at, startedMs }: Exchange): Stamp => ({ id, at, startedMs });

async function sendEvents<C extends Call>(
  operation: Operation<C>,
  call: C,
  choices: Some<Choice<C>>,
  onPart: () => void,
  exchange: Exchange,
  services: Services,
): Promise<Answers | undefined> {
  const { keepAliveMs, stallTimeoutMs: stallMs } = services.options;
  const { framing, keepAlive } = operation;
  const sender = new EventSender(exchange.response, { framing, keepAlive, keepAliveMs, stallMs });
  const writers = mapSome(choices, (choice, index) => {
    return operation.events(choice.call, stampOf(exchange), index);
  });
  let answers: Answers | undefined;
  try {
    answers = await allOf(choices, (choice, index) => {
      return sendChoice(choice, writers[index] ?? writers[0], onPart, sender);
    });
    await sender.send(operation.end?.(answers, call, stampOf(exchange)) ?? []);
  } catch (error) {
    if (!sender.hasBegun || exchange.isAbandoned) throw error;
    reportFailure(error, 200, exchange, services);
    await sender.send(writers[0].fail(toProblem(error)));
  } finally {
    sender.stop();
  }
  exchange.response.end();
  return answers;
}

async function sendChoice<C extends Call>(
  choice: Choice<C>,
  writer: EventWriter,
  onPart: () => void,
  sender: EventSender,
): Promise<Answer> {
  const order = new AnswerParts(choice.call);
  const write = (parts: readonly AnswerPart[]): Frame[] => parts.flatMap((part) => writer.part(part));
  for await (const part of noticing(choice.stream, onPart)) {
    await sender.send(part.type === "prompt-usage" ? (writer.prompt?.(part) ?? []) : write(order.read(part)));
  }
  const answer = await answerOf(choice);
  await sender.send([...write(order.finish(answer)), ...writer.finish(answer)]);
  return answer;
}

/** Does something with all choices at once. Where that fails for one, the others end, and then it fails. */
async function allOf<C, T>(
  choices: Some<Choice<C>>,
  work: (choice: Choice<C>, index: number) => Promise<T>,
): Promise<Some<T>> {
  const works = mapSome(choices, work);
  try {
    return await Promise.all(works);
  } catch (error) {
    for (const { stream } of choices) stream.abort(error);
    await Promise.allSettled(works);
    throw error;
  }
}

/** The answer of a stream that was read to its end. */
async function answerOf({ stream, call }: Choice<Call>): Promise<Answer> {
  try {
    return toAnswer(await stream.response, call);
  } catch (error) {
    const cutOff = cutOffAnswer(error, stream.written, call);
    if (cutOff === undefined) throw error;
    return cutOff;
  }
}

/** Hands parts on and says that there are some of the answer. */
async function* noticing(stream: LLMStream, onPart: () => void): AsyncGenerator<StreamPart> {
  for await (const part of stream) {
    if (part.type !== "error" && part.type !== "prompt-usage") onPart();
    yield part;
  }
}
