import type { Answer, AnswerPart, Answers } from "../../../answer/index.ts";
import type { RequestProblem } from "../../../http/request-problem.ts";
import type { EventWriter, Frame, Stamp } from "../../dialect.ts";
import { DONE } from "../choices.ts";
import { completionUsage, finishReasonOf, seconds, warningsOf } from "../completion-usage.ts";
import { chatLogprobs } from "../logprobs.ts";
import { openAIErrorObject } from "../openai-error.ts";
import type { ChatCall } from "./read-chat.ts";

function headOf({ model }: ChatCall, { id, at }: Stamp): object {
  return { id: `chatcmpl-${id}`, object: "chat.completion.chunk", created: seconds(at), model };
}

/** What comes behind the chunks of all answers. */
export function endOfChat(answers: Answers, call: ChatCall, stamp: Stamp): Frame[] {
  const usage = completionUsage(answers, call.n);
  return [...(call.hasUsage ? [{ data: { ...headOf(call, stamp), choices: [], usage } }] : []), DONE];
}

/** Writes the chunks of a streamed chat answer. */
export class ChatEvents implements EventWriter {
  readonly #head: object;
  readonly #hasUsage: boolean;
  readonly #index: number;
  #hasBegun = false;
  #calls = 0;

  constructor(call: ChatCall, stamp: Stamp, index: number) {
    this.#head = headOf(call, stamp);
    this.#hasUsage = call.hasUsage;
    this.#index = index;
  }

  part(part: AnswerPart): Frame[] {
    const delta = this.#deltaOf(part);
    const logprobs = part.type === "text" ? chatLogprobs(part.logprobs) : null;
    return delta === undefined ? [] : [...this.#begin(), this.#chunk(delta, { logprobs })];
  }

  finish(answer: Answer): Frame[] {
    const finish_reason = finishReasonOf(answer.finishReason);
    return [...this.#begin(), this.#chunk({}, { finish_reason }, warningsOf([answer]))];
  }

  fail(problem: RequestProblem): Frame[] {
    return [{ data: { error: openAIErrorObject(problem) } }];
  }

  #deltaOf(part: AnswerPart): object | undefined {
    switch (part.type) {
      case "text":
        return { content: part.text };
      case "reasoning":
        return { reasoning_content: part.text };
      case "tool-start": {
        const call = { id: part.id, type: "function", function: { name: part.name, arguments: "" } };
        return { tool_calls: [{ index: this.#calls++, ...call }] };
      }
      case "tool-input":
        return { tool_calls: [{ index: this.#calls - 1, function: { arguments: part.text } }] };
      case "tool-end":
        return undefined;
    }
  }

  #begin(): Frame[] {
    if (this.#hasBegun) return [];
    this.#hasBegun = true;
    return [this.#chunk({ role: "assistant", content: "", refusal: null })];
  }

  #chunk(delta: object, choice: object = {}, extra: object = {}): Frame {
    const choices = [{ index: this.#index, delta, logprobs: null, finish_reason: null, ...choice }];
    return { data: { ...this.#head, choices, ...(this.#hasUsage ? { usage: null } : {}), ...extra } };
  }
}
