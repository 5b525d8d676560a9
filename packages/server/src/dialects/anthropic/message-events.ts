import type { Answer, AnswerPart, Call } from "../../answer/index.ts";
import type { RequestProblem } from "../../http/request-problem.ts";
import type { EventWriter, Frame, PromptUsage, Stamp } from "../dialect.ts";
import { writeAnthropicError } from "./anthropic-error.ts";
import { keptBlocks, messageHead, messageUsage, stopReasonOf } from "./write-message.ts";

/** What is said of a prompt whose tokens are known at the end. */
const UNKNOWN: PromptUsage = { inputTokens: 0, cachedInputTokens: 0 };

type Kind = "text" | "thinking" | "tool_use";

/** Writes the events of a streamed message. */
export class MessageEvents implements EventWriter {
  readonly #head: ReturnType<typeof messageHead>;
  readonly #requestId: string;
  #hasBegun = false;
  /** The block that is being written. */
  #open: Kind | undefined;
  #index = -1;

  constructor(call: Call, stamp: Stamp) {
    this.#head = messageHead(call, stamp);
    this.#requestId = stamp.id;
  }

  part(part: AnswerPart): Frame[] {
    switch (part.type) {
      case "text":
        return [...this.#within("text", { text: "" }), this.#delta({ type: "text_delta", text: part.text })];
      case "reasoning":
        return [
          ...this.#within("thinking", { thinking: "", signature: "" }),
          this.#delta({ type: "thinking_delta", thinking: part.text }),
        ];
      case "tool-start":
        return [...this.#close(), ...this.#within("tool_use", { id: part.id, name: part.name, input: {} })];
      case "tool-input":
        return [this.#delta({ type: "input_json_delta", partial_json: part.text })];
      case "tool-end":
        return this.#close();
    }
  }

  prompt(usage: PromptUsage): Frame[] {
    return this.#begin(usage);
  }

  finish(answer: Answer): Frame[] {
    const { finishReason, usage, warnings, providerData } = answer;
    const delta = { stop_reason: stopReasonOf(finishReason), stop_sequence: null };
    return [
      ...this.#begin(),
      ...this.#close(),
      ...this.#keep(providerData),
      frame("message_delta", {
        delta,
        usage: messageUsage(usage, usage.outputTokens),
        ...(warnings.length === 0 ? {} : { warnings }),
      }),
      frame("message_stop", {}),
    ];
  }

  fail(problem: RequestProblem): Frame[] {
    return [{ event: "error", data: writeAnthropicError(problem, this.#requestId).body }];
  }

  #begin(prompt = UNKNOWN): Frame[] {
    if (this.#hasBegun) return [];
    this.#hasBegun = true;
    const message = { ...this.#head, content: [], stop_reason: null, usage: messageUsage(prompt, 0) };
    return [frame("message_start", { message })];
  }

  /** A block for the client to send back. */
  #keep(providerData: Answer["providerData"]): Frame[] {
    const [block] = keptBlocks(providerData);
    if (block === undefined) return [];
    const index = ++this.#index;
    return [
      frame("content_block_start", { index, content_block: block }),
      frame("content_block_stop", { index }),
    ];
  }

  /** Opens a block, unless one of its kind is open. */
  #within(kind: Kind, fields: object): Frame[] {
    if (this.#open === kind) return [];
    const before = [...this.#begin(), ...this.#close()];
    this.#open = kind;
    this.#index++;
    return [
      ...before,
      frame("content_block_start", { index: this.#index, content_block: { type: kind, ...fields } }),
    ];
  }

  #delta(delta: object): Frame {
    return frame("content_block_delta", { index: this.#index, delta });
  }

  #close(): Frame[] {
    if (this.#open === undefined) return [];
    this.#open = undefined;
    return [frame("content_block_stop", { index: this.#index })];
  }
}

const frame = (type: string, fields: object): Frame => ({ event: type, data: { type, ...fields } });
