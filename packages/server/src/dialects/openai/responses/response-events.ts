import type { TokenLogprob } from "abstractllm";
import type { Answer, AnswerPart } from "../../../answer/index.ts";
import type { RequestProblem } from "../../../http/request-problem.ts";
import type { EventWriter, Frame, Stamp } from "../../dialect.ts";
import { responseLogprobs } from "../logprobs.ts";
import { openAIErrorObject } from "../openai-error.ts";
import {
  callItem,
  type ItemStatus,
  messageItem,
  type OutputItem,
  reasoningItem,
  textPart,
  thoughtPart,
} from "./output-items.ts";
import type { ResponsesCall } from "./read-responses.ts";
import { encryptedContent, finishedResponse, lastStatus, responseHead } from "./write-response.ts";

/** An item that is being written. */
type OpenItem = {
  readonly id: string;
  text: string;
  /** Of the tokens of the text. */
  readonly tokens: TokenLogprob[];
} & (
  | { readonly kind: "text" | "reasoning" }
  | { readonly kind: "call"; readonly callId: string; readonly name: string }
);

/** Writes the events of a streamed response. */
export class ResponseEvents implements EventWriter {
  readonly #call: ResponsesCall;
  readonly #head: ReturnType<typeof responseHead>;
  readonly #id: string;
  readonly #output: OutputItem[] = [];
  #open: OpenItem | undefined;
  #sequence = 0;

  constructor(call: ResponsesCall, stamp: Stamp) {
    this.#call = call;
    this.#head = responseHead(call, stamp);
    this.#id = stamp.id;
  }

  part(part: AnswerPart): Frame[] {
    return [...this.#begin(), ...this.#write(part)];
  }

  finish(answer: Answer): Frame[] {
    const before = [...this.#begin(), ...this.#close(lastStatus(answer))];
    const sealed = encryptedContent(answer);
    const kept =
      sealed === undefined ? [] : this.#whole(reasoningItem(`rs_${this.#id}_kept`, "", "completed", sealed));
    const response = finishedResponse(this.#head, answer, this.#output);
    this.#call.keep(response, this.#id);
    return [...before, ...kept, this.#event(`response.${response.status}`, { response })];
  }

  fail(problem: RequestProblem): Frame[] {
    const { code, type, message } = openAIErrorObject(problem);
    const error = { code: code ?? type, message };
    const response = { ...this.#head, status: "failed", error, output: this.#output };
    return [...this.#begin(), this.#event("response.failed", { response })];
  }

  #write(part: AnswerPart): Frame[] {
    switch (part.type) {
      case "text": {
        const before = this.#openText();
        for (const token of part.logprobs ?? []) this.#open?.tokens.push(token);
        const fields = { content_index: 0, logprobs: responseLogprobs(part.logprobs) };
        return [...before, this.#delta("output_text.delta", part.text, fields)];
      }
      case "reasoning": {
        const before = this.#openReasoning();
        return [...before, this.#delta("reasoning_text.delta", part.text, { content_index: 0 })];
      }
      case "tool-start":
        return this.#openCall(part.id, part.name);
      case "tool-input":
        return [this.#delta("function_call_arguments.delta", part.text, {})];
      case "tool-end":
        return this.#endCall(callItem(this.#open?.id ?? "", part.toolCall));
    }
  }

  #openText(): Frame[] {
    if (this.#open?.kind === "text") return [];
    const before = this.#close();
    this.#open = { kind: "text", id: `msg_${this.#id}${this.#suffix()}`, text: "", tokens: [] };
    const item = { ...messageItem(this.#open.id, "", "completed"), status: "in_progress", content: [] };
    const added = this.#added(item);
    const part = { ...this.#place(), content_index: 0, part: textPart("") };
    return [...before, added, this.#event("response.content_part.added", part)];
  }

  #openReasoning(): Frame[] {
    if (this.#open?.kind === "reasoning") return [];
    const before = this.#close();
    this.#open = { kind: "reasoning", id: `rs_${this.#id}${this.#suffix()}`, text: "", tokens: [] };
    const item = { ...reasoningItem(this.#open.id, "", "completed"), status: "in_progress" };
    const added = this.#added(item);
    const part = { ...this.#place(), content_index: 0, part: thoughtPart("") };
    return [...before, added, this.#event("response.content_part.added", part)];
  }

  #openCall(callId: string, name: string): Frame[] {
    const before = this.#close();
    const id = `fc_${this.#id}${this.#suffix()}`;
    this.#open = { kind: "call", id, callId, name, text: "", tokens: [] };
    const item = {
      ...callItem(id, { id: callId, name, arguments: {} }),
      status: "in_progress",
      arguments: "",
    };
    return [...before, this.#added(item)];
  }

  #endCall(item: OutputItem): Frame[] {
    const { name, arguments: json } = item;
    const fields = { ...this.#place(), name, arguments: json };
    this.#open = undefined;
    return [this.#event("response.function_call_arguments.done", fields), this.#done(item)];
  }

  #delta(name: string, delta: string, fields: object): Frame {
    if (this.#open !== undefined) this.#open.text += delta;
    return this.#event(`response.${name}`, { ...this.#place(), ...fields, delta });
  }

  /** Ends the item that is open. */
  #close(status: ItemStatus = "completed"): Frame[] {
    const open = this.#open;
    if (open === undefined) return [];
    if (open.kind === "call") {
      const { id, callId, name, text } = open; // it was cut off, or it would have come to its end
      const call = { id: callId, name, arguments: {}, invalidArguments: text };
      return this.#endCall(callItem(id, call, "incomplete"));
    }
    const at = { ...this.#place(), content_index: 0 };
    this.#open = undefined;
    if (open.kind === "reasoning") {
      return [
        this.#event("response.reasoning_text.done", { ...at, text: open.text }),
        this.#event("response.content_part.done", { ...at, part: thoughtPart(open.text) }),
        this.#done(reasoningItem(open.id, open.text, status)),
      ];
    }
    const part = textPart(open.text, open.tokens);
    const { text, logprobs } = part;
    return [
      this.#event("response.output_text.done", { ...at, text, logprobs }),
      this.#event("response.content_part.done", { ...at, part }),
      this.#done(messageItem(open.id, text, status, open.tokens)),
    ];
  }

  /** The events of an item that is there as a whole. */
  #whole(item: OutputItem): Frame[] {
    return [this.#added(item), this.#done(item)];
  }

  #added(item: object): Frame {
    return this.#event("response.output_item.added", { output_index: this.#output.length, item });
  }

  #done(item: OutputItem): Frame {
    const output_index = this.#output.length;
    this.#output.push(item);
    return this.#event("response.output_item.done", { output_index, item });
  }

  #place(): object {
    return { item_id: this.#open?.id, output_index: this.#output.length };
  }

  #suffix(): string {
    return this.#output.length === 0 ? "" : `_${this.#output.length}`;
  }

  #begin(): Frame[] {
    if (this.#sequence > 0) return [];
    const response = this.#head;
    return [this.#event("response.created", { response }), this.#event("response.in_progress", { response })];
  }

  #event(type: string, fields: object): Frame {
    return { event: type, data: { type, sequence_number: this.#sequence++, ...fields } };
  }
}
