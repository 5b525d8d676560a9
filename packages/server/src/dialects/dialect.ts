import type { Usage } from "abstractllm";
import type { Answer, AnswerPart, Answers, Call, Some } from "../answer/index.ts";
import type { RequestProblem } from "../http/request-problem.ts";
import type { ResponseStore } from "../response-store/index.ts";

/** What marks one answer. */
export interface Stamp {
  /** Unlike any other's. */
  readonly id: string;
  readonly at: Date;
  /** When the request came, for dialects that tell how long things took. */
  readonly startedMs: number;
}

/** One event of a streamed answer. */
export interface Frame {
  readonly event?: string;
  /** Sent as JSON; a text is sent as it is. */
  readonly data: object | string;
}

/** Tokens of a prompt. */
export type PromptUsage = Pick<Usage, "inputTokens" | "cachedInputTokens">;

/** Writes the parts of one answer as events: of the only one to a request, or of one of its choices. */
export interface EventWriter {
  part(part: AnswerPart): Frame[];
  /** The prompt was read. Default: nothing is said of that. */
  prompt?(usage: PromptUsage): Frame[];
  finish(answer: Answer): Frame[];
  /** The answer broke off. */
  fail(problem: RequestProblem): Frame[];
}

/** How events are told apart on the wire. */
export type Framing = "sse" | "ndjson";

/** A model is to be loaded or given back. */
interface Errand {
  readonly what: "load" | "unload";
  /** What is answered when it is done. */
  readonly answer: object;
}

/** An operation of a dialect that has a model answer. */
export interface Operation<C extends Call = Call> {
  readonly framing: Framing;
  /** Sent when nothing else was for a while, so that nobody thinks the connection dead. */
  readonly keepAlive?: string;
  /**
   * @param responses - what a request may go on with
   * @throws {RequestProblem} for a request that cannot be served
   */
  read(body: unknown, responses: ResponseStore): C;
  /** The calls whose answers are the choices of one answer. Default: the call alone. */
  choices?(call: C): Some<C>;
  whole(answers: Answers, call: C, stamp: Stamp): object;
  /** @param index - which of the choices it writes */
  events(call: C, stamp: Stamp, index: number): EventWriter;
  /** What comes behind the events of all choices. Default: nothing. */
  end?(answers: Answers, call: C, stamp: Stamp): Frame[];
  /** Whether the model is given back when it has answered. Default false. */
  isLast?(call: C): boolean;
  /** What is done for a call that asks the model nothing; undefined for others. */
  errand?(call: C, stamp: Stamp): Errand | undefined;
}

/** An error as a dialect writes it. */
interface WireError {
  readonly status: number;
  readonly body: object;
}

/** A way of speaking about failures. */
export type WriteError = (problem: RequestProblem, requestId: string) => WireError;
