import type { StreamPart, TokenLogprob, ToolCall } from "abstractllm";
import { type Answer, argumentsText } from "./answer.ts";
import type { Call } from "./call.ts";

interface TextPart {
  readonly type: "text";
  readonly text: string;
  /** Of the tokens that it begins or goes on with, where they are asked for. */
  readonly logprobs?: readonly TokenLogprob[];
}

/** A part of an answer. Tool calls come one after the other: a start, their arguments, an end. */
export type AnswerPart =
  | TextPart
  | { readonly type: "reasoning" | "tool-input"; readonly text: string }
  | { readonly type: "tool-start"; readonly id: string; readonly name: string }
  | { readonly type: "tool-end"; readonly toolCall: ToolCall };

/** Puts the parts of a stream into the order in which dialects can write them. */
export class AnswerParts {
  /** An answer to a schema is sent when it was checked, as one that does not fit is written again; unless none can be. */
  #waitsForCheck: boolean;
  readonly #isSingleCall: boolean;
  /** The tool call that is being sent. */
  #open: { id: string; hasInput: boolean } | undefined;
  /** What came while another call was being sent. */
  readonly #waiting: AnswerPart[] = [];
  #calls = 0;

  constructor({ options, isSingleCall }: Pick<Call, "options" | "isSingleCall">) {
    this.#waitsForCheck = options.schema !== undefined;
    this.#isSingleCall = isSingleCall;
  }

  /** What can be sent now. */
  read(part: StreamPart): AnswerPart[] {
    if (part.type === "object-start") this.#waitsForCheck = false;
    if (this.#waitsForCheck) return [];
    switch (part.type) {
      case "text-delta":
        return this.#inTurn([textPart(part.text, part.logprobs)]);
      case "reasoning-delta":
        return this.#inTurn([{ type: "reasoning", text: part.text }]);
      case "tool-input-start":
        return this.#start(part);
      case "tool-input-delta":
        if (this.#open?.id !== part.id) return []; // it is sent as a whole when it is complete
        this.#open.hasInput = true;
        return [{ type: "tool-input", text: part.text }];
      case "tool-call":
        return this.#end(part.toolCall);
      default:
        return [];
    }
  }

  /** What was held back until the end. */
  finish(answer: Answer): AnswerPart[] {
    return this.#waitsForCheck ? partsOf(answer) : this.#waiting.splice(0);
  }

  #start({ id, name }: { id: string; name: string }): AnswerPart[] {
    if (this.#open !== undefined || !this.#mayCall()) return [];
    this.#open = { id, hasInput: false };
    this.#calls++;
    return [{ type: "tool-start", id, name }];
  }

  #end(toolCall: ToolCall): AnswerPart[] {
    if (this.#open?.id === toolCall.id) {
      const { hasInput } = this.#open;
      this.#open = undefined;
      const input = hasInput ? [] : inputParts(toolCall);
      return [...input, { type: "tool-end", toolCall }, ...this.#waiting.splice(0)];
    }
    if (!this.#mayCall()) return [];
    this.#calls++;
    return this.#inTurn(callParts(toolCall));
  }

  #mayCall(): boolean {
    return !this.#isSingleCall || this.#calls === 0;
  }

  #inTurn(parts: readonly AnswerPart[]): AnswerPart[] {
    if (this.#open === undefined) return [...parts];
    this.#waiting.push(...parts);
    return [];
  }
}

/** The parts of an answer that is complete. */
function partsOf({ reasoning, text, logprobs, toolCalls }: Answer): AnswerPart[] {
  return [
    ...(reasoning === "" ? [] : [{ type: "reasoning", text: reasoning } as const]),
    ...(text === "" ? [] : [textPart(text, logprobs)]),
    ...toolCalls.flatMap(callParts),
  ];
}

const textPart = (text: string, logprobs: readonly TokenLogprob[] | undefined): TextPart => ({
  type: "text",
  text,
  ...(logprobs && { logprobs }),
});

function callParts(toolCall: ToolCall): AnswerPart[] {
  const { id, name } = toolCall;
  return [{ type: "tool-start", id, name }, ...inputParts(toolCall), { type: "tool-end", toolCall }];
}

const inputParts = (toolCall: ToolCall): AnswerPart[] => [
  { type: "tool-input", text: argumentsText(toolCall) },
];
