import type { Answer, AnswerPart, Answers, Call, Some } from "../../answer/index.ts";
import {
  either,
  flag,
  integer,
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
import { logprobsOption } from "../logprobs-option.ts";
import { setOptions } from "../set-options.ts";
import { SAMPLING_FIELDS } from "./chat/chat-fields.ts";
import { checkChoices, choicesOf, DONE } from "./choices.ts";
import { completionUsage, finishReasonOf, seconds, warningsOf } from "./completion-usage.ts";
import { textLogprobs } from "./logprobs.ts";
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
  echo: flag,
  logprobs: integer,
  suffix: refused("there is no filling in", ""),
} as const;

interface CompletionCall extends Call {
  readonly hasUsage: boolean;
  /** Texts that the model goes on with, each `n` times. */
  readonly prompts: Some<string>;
  readonly n: number;
  /** The prompt comes before the answer. */
  readonly hasPrompt: boolean;
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
  const hasPrompt = fields.echo === true;
  if (hasPrompt && fields.stream === true) {
    throw new RequestProblem("invalid", "echo: ask for it without stream", { param: "echo" });
  }
  const logprobs = fields.logprobs === undefined ? undefined : logprobsOption(fields.logprobs, "logprobs");
  return {
    model: fields.model,
    prompt,
    prompts: [prompt, ...more],
    n,
    hasPrompt,
    options: setOptions({
      ...samplingOptions(fields),
      maxTokens: fields.max_tokens,
      chatTemplate: false,
      schema: readFormat(fields.response_format),
      logprobs,
      promptLogprobs: hasPrompt ? logprobs : undefined,
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

const choice = (index: number, text: string, logprobs: object | null, finish_reason: string | null) => ({
  index,
  text,
  logprobs,
  finish_reason,
});

/** What goes before an answer, and the log probabilities of both. */
const wholeChoice = (answer: Answer, prompt: string, index: number) => {
  const { text, logprobs, promptLogprobs, finishReason } = answer;
  const tokens = logprobs && [...(promptLogprobs ?? []), ...logprobs];
  return choice(index, prompt + text, textLogprobs(tokens, 0), finishReasonOf(finishReason));
};

class CompletionEvents implements EventWriter {
  readonly #head: object;
  readonly #index: number;
  /** How much of the text was sent. */
  #length = 0;

  constructor(call: CompletionCall, stamp: Stamp, index: number) {
    this.#head = headOf(call, stamp);
    this.#index = index;
  }

  part(part: AnswerPart): Frame[] {
    if (part.type !== "text") return [];
    const logprobs = textLogprobs(part.logprobs, this.#length);
    this.#length += part.text.length;
    return [this.#chunk(choice(this.#index, part.text, logprobs, null))];
  }

  finish(answer: Answer): Frame[] {
    const last = choice(this.#index, "", null, finishReasonOf(answer.finishReason));
    return [this.#chunk(last, warningsOf([answer]))];
  }

  fail(problem: RequestProblem): Frame[] {
    return [{ data: { error: openAIErrorObject(problem) } }];
  }

  #chunk(one: object, extra: object = {}): Frame {
    return { data: { ...this.#head, choices: [one], ...extra } };
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
    choices: answers.map((answer, index) => {
      const prompt = call.hasPrompt ? call.prompts[Math.floor(index / call.n)] : undefined;
      return wholeChoice(answer, prompt ?? "", index);
    }),
    usage: completionUsage(answers, call.n),
    ...warningsOf(answers),
  }),
  events: (call, stamp, index) => new CompletionEvents(call, stamp, index),
  end,
};
