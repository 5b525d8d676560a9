import type { Answer, AnswerPart, Call } from "../../answer/index.ts";
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
}

/** Reads the body of `/v1/completions`. @throws {RequestProblem} naming the field */
function read(body: unknown): CompletionCall {
  const fields = readFields(body, COMPLETION_FIELDS);
  const [prompt, ...more] = typeof fields.prompt === "string" ? [fields.prompt] : fields.prompt;
  if (prompt === undefined || more.length > 0) {
    const message = "Expected one prompt; ask once for each";
    throw new RequestProblem("invalid", message, { param: "prompt" });
  }
  return {
    model: fields.model,
    prompt,
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

const choice = (text: string, finish_reason: string | null) => ({
  index: 0,
  text,
  logprobs: null,
  finish_reason,
});

class CompletionEvents implements EventWriter {
  readonly #head: object;
  readonly #hasUsage: boolean;

  constructor(call: CompletionCall, stamp: Stamp) {
    this.#head = headOf(call, stamp);
    this.#hasUsage = call.hasUsage;
  }

  part(part: AnswerPart): Frame[] {
    return part.type === "text" ? [this.#chunk([choice(part.text, null)])] : [];
  }

  finish(answer: Answer): Frame[] {
    const usage = { usage: completionUsage(answer.usage) };
    return [
      this.#chunk([choice("", finishReasonOf(answer.finishReason))], warningsOf(answer)),
      ...(this.#hasUsage ? [this.#chunk([], usage)] : []),
      { data: "[DONE]" },
    ];
  }

  fail(problem: RequestProblem): Frame[] {
    return [{ data: { error: openAIErrorObject(problem) } }];
  }

  #chunk(choices: readonly object[], extra: object = {}): Frame {
    return { data: { ...this.#head, choices, ...extra } };
  }
}

/** `/v1/completions`: a text that the model goes on with, without its chat template. */
export const completionsOperation: Operation<CompletionCall> = {
  framing: "sse",
  keepAlive: ": keep-alive\n\n",
  read,
  whole: (answer, call, stamp) => ({
    ...headOf(call, stamp),
    choices: [choice(answer.text, finishReasonOf(answer.finishReason))],
    usage: completionUsage(answer.usage),
    ...warningsOf(answer),
  }),
  events: (call, stamp) => new CompletionEvents(call, stamp),
};
