import type { FinishReason, TokenLogprob, TokenWithLogprob, ToolCall } from "abstractllm";
import type { Answer, AnswerPart, Call } from "../../answer/index.ts";
import type { RequestProblem } from "../../http/request-problem.ts";
import type { EventWriter, Frame, Operation, Stamp } from "../dialect.ts";
import type { OllamaCall } from "./ollama-call.ts";
import { writeOllamaError } from "./ollama-error.ts";

/** Text, thoughts and calls, which each operation puts where it has them. */
interface Said {
  readonly text: string;
  readonly reasoning: string;
  readonly toolCalls: readonly ToolCall[];
  /** Of the tokens of the text, where they are asked for. */
  readonly logprobs?: readonly TokenLogprob[] | undefined;
}

/** What an operation says of a piece of an answer, or of all of it. */
type WriteSaid = (said: Said) => object;

const NOTHING: Said = { text: "", reasoning: "", toolCalls: [] };

const entry = ({ token, bytes, logprob }: TokenWithLogprob) => ({
  token,
  logprob,
  ...(bytes === undefined ? {} : { bytes }),
});

/** The tokens of a piece of text, beside what each operation says of it. */
function writeTokens({ logprobs }: Said): object {
  if (logprobs === undefined) return {};
  return {
    logprobs: logprobs.map((token) => ({
      ...entry(token),
      ...(token.topLogprobs.length === 0 ? {} : { top_logprobs: token.topLogprobs.map(entry) }),
    })),
  };
}

const NANOSECONDS_PER_MS = 1e6;

const doneReasonOf = (reason: FinishReason): string => (reason === "length" ? "length" : "stop");

/** What comes with the end of an answer. Times that the provider does not tell are those of the whole. */
function endOf({ finishReason, usage, timings, warnings }: Answer, { startedMs }: Stamp): object {
  const total = performance.now() - startedMs;
  const prefill = timings?.timeToFirstTokenMs ?? 0;
  const work = timings?.totalMs ?? total;
  const nanoseconds = (ms: number) => Math.max(0, Math.round(ms * NANOSECONDS_PER_MS));
  return {
    done: true,
    done_reason: doneReasonOf(finishReason),
    total_duration: nanoseconds(total),
    load_duration: nanoseconds(total - work),
    prompt_eval_count: usage.inputTokens,
    prompt_eval_duration: nanoseconds(prefill),
    eval_count: usage.outputTokens,
    eval_duration: nanoseconds(work - prefill),
    ...(warnings.length === 0 ? {} : { warnings }),
  };
}

/** Writes the lines of a streamed answer. */
class Lines implements EventWriter {
  readonly #model: string;
  readonly #stamp: Stamp;
  readonly #write: WriteSaid;

  constructor({ model }: Call, stamp: Stamp, write: WriteSaid) {
    this.#model = model;
    this.#stamp = stamp;
    this.#write = write;
  }

  part(part: AnswerPart): Frame[] {
    if (part.type === "text") {
      return [this.#line({ ...NOTHING, text: part.text, logprobs: part.logprobs })];
    }
    if (part.type === "reasoning") return [this.#line({ ...NOTHING, reasoning: part.text })];
    return part.type === "tool-end" ? [this.#line({ ...NOTHING, toolCalls: [part.toolCall] })] : [];
  }

  finish(answer: Answer): Frame[] {
    return [this.#line(NOTHING, endOf(answer, this.#stamp))];
  }

  fail(problem: RequestProblem): Frame[] {
    return [{ data: writeOllamaError(problem, this.#stamp.id).body }];
  }

  #line(said: Said, end: object = { done: false }): Frame {
    return {
      data: { model: this.#model, created_at: new Date().toISOString(), ...this.#write(said), ...end },
    };
  }
}

/** An operation of Ollama. @param writeSaid - where it has text, thoughts and calls */
export function ollamaOperation(
  read: (body: unknown) => OllamaCall,
  writeSaid: WriteSaid,
): Operation<OllamaCall> {
  const write: WriteSaid = (said) => ({ ...writeSaid(said), ...writeTokens(said) });
  return {
    framing: "ndjson",
    read,
    whole: ([answer], { model }, stamp) => ({
      model,
      created_at: stamp.at.toISOString(),
      ...write(answer),
      ...endOf(answer, stamp),
    }),
    events: (call, stamp) => new Lines(call, stamp, write),
    isLast: (call) => call.isLast,
    errand: ({ model, errand: what }, { at }) => {
      if (what === undefined) return undefined;
      const end = { done: true, done_reason: what };
      return { what, answer: { model, created_at: at.toISOString(), ...write(NOTHING), ...end } };
    },
  };
}
