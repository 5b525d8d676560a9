import type { Answer, AnswerPart, Answers, Call, Some } from "../../answer/index.ts";
import {
  either,
  listOf,
  nonEmptyText,
  object,
  positiveInteger,
  readFields,
  refused,
  required,
  text,
} from "../../fields/index.ts";
import { RequestProblem } from "../../http/request-problem.ts";
import type { EventWriter, Frame, Operation, Stamp } from "../dialect.ts";
import { setOptions } from "../set-options.ts";
import { SAMPLING_FIELDS } from "./chat/chat-fields.ts";
import { checkChoices, choicesOf, DONE } from "./choices.ts";
import { completionUsage, finishReasonOf, seconds, warningsOf } from "./completion-usage.ts";
import { openAIErrorObject } from "./openai-error.ts";
import { readFormat } from "./read-format.ts";
import { samplingOptions, wantsUsage } from "./sampling-options.ts";

/** What becomes of each field of `/v1/completions`. */
export const COMPLETION_FIELDS = {
  ...SAMPLING_FIELDS,
  model: required(nonEmptyText),
  prompt: required(either(text, listOf(text))),
  max_tokens: positiveInteger,
  response_format: object, // vLLM's and SGLang's
  best_of: refused("ask once for each answer", 1),
  echo: refused("put the prompt before the answer yourself"),
  logprobs: refused("the answer's probabilities cannot be had"),
  suffix: refused("there is no filling in", ""),
} as const;

interface CompletionCall extends Call {
  readonly hasUsage: boolean;
  /** Texts that the model goes on with, each `n` times. */
  readonly prompts: Some<string>;
  readonly n: number;
}

/** Reads the body of `/v1/completions`. @throws {RequestProblem} naming the field */
function read(body: unknown): CompletionCall {
  const fields = readFields(body, COMPLETION_FIELDS);
  const { n = 1 } = fields;
  checkChoices(n, "n");
  const [prompt, ...more] = typeof fields.prompt === "string" ? [fields.prompt] : fields.prompt;
  if (prompt === undefined) {
    throw new RequestProblem("invalid", "Expected at least one prompt", { param: "prompt" });
  }
  checkChoices(n * (1 + more.length), "prompt");
  return {
    model: fields.model,
    prompt,
    prompts: [prompt, ...more],
    n,
    options: setOptions({
      ...samplingOptions(fields),
      maxTokens: fields.max_tokens,
      chatTemplate: false,
      schema: readFormat(fields.response_format),
    }),
    isStreamed: fields.stream === true,
    isSingleCall: false,
    hasUsage: wantsUsage(fields.stream_options),
    notes: [],
  };
}

function headOf({ model }: Call, { id, at }: Stamp): object {
  return { id: `cmpl-${id}`, object: "text_completion", created: seconds(at), model };
}

const choice = (index: number, text: string, finish_reason: string | null) => ({
  index,
  text,
  logprobs: null,
  finish_reason,
});

class CompletionEvents implements EventWriter {
  readonly #head: object;
  readonly #index: number;

  constructor(call: CompletionCall, stamp: Stamp, index: number) {
    this.#head = headOf(call, stamp);
    this.#index = index;
  }

  part(part: AnswerPart): Frame[] {
    return part.type === "text" ? [this.#chunk(part.text, null)] : [];
  }

  finish(answer: Answer): Frame[] {
    return [this.#chunk("", finishReasonOf(answer.finishReason), warningsOf([answer]))];
  }

  fail(problem: RequestProblem): Frame[] {
    return [{ data: { error: openAIErrorObject(problem) } }];
  }

  #chunk(text: string, reason: string | null, extra: object = {}): Frame {
    return { data: { ...this.#head, choices: [choice(this.#index, text, reason)], ...extra } };
  }
}

/** The calls for all prompts, in their order. */
function choices(call: CompletionCall): Some<CompletionCall> {
  const [first, ...rest] = call.prompts;
  const of = (prompt: string): Some<CompletionCall> => choicesOf({ ...call, prompt }, call.n);
  return [...of(first), ...rest.flatMap(of)];
}

/** What comes behind the chunks of all answers. */
function end(answers: Answers, call: CompletionCall, stamp: Stamp): Frame[] {
  const usage = completionUsage(answers, call.n);
  return [...(call.hasUsage ? [{ data: { ...headOf(call, stamp), choices: [], usage } }] : []), DONE];
}

/** `/v1/completions`: a text that the model goes on with, without its chat template. */
export const completionsOperation: Operation<CompletionCall> = {
  framing: "sse",
  keepAlive: ": keep-alive\n\n",
  read,
  choices,
  whole: (answers, call, stamp) => ({
    ...headOf(call, stamp),
    choices: answers.map(({ text, finishReason }, index) =>
      choice(index, text, finishReasonOf(finishReason)),
    ),
    usage: completionUsage(answers, call.n),
    ...warningsOf(answers),
  }),
  events: (call, stamp, index) => new CompletionEvents(call, stamp, index),
  end,
};
