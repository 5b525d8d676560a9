import type { LanguageModelV3StreamPart } from "@ai-sdk/provider";
import type { StreamPart, ToolCall } from "abstractllm";
import { keepData } from "../call/kept-data.ts";
import type { JsonText } from "./json-text.ts";
import type { Outcome } from "./outcome.ts";
import { argumentsText, toFinishReason, toMetadata, toUsage } from "./to-facts.ts";

type BlockType = "text" | "reasoning";

/** Decides what of an answer's text is sent before its end. */
export type TextGate = Pick<JsonText, "push">;

/** Writes the parts of an answer as the AI SDK reads them: texts in blocks with ids, calls with their arguments. */
export class PartWriter {
  readonly #gate: TextGate;
  #block: { readonly type: BlockType; readonly id: string } | undefined;
  #blocks = 0;
  #hasText = false;
  /** Ids of the calls whose arguments are being written. */
  readonly #calls = new Set<string>();

  constructor(gate: TextGate) {
    this.#gate = gate;
  }

  /** What there is to send now. */
  read(part: StreamPart): LanguageModelV3StreamPart[] {
    switch (part.type) {
      case "text-delta":
        return this.#text(this.#gate.push(part.text));
      case "reasoning-delta":
        return this.#write("reasoning", part.text);
      case "tool-input-start":
        this.#calls.add(part.id);
        return [...this.#close(), { type: "tool-input-start", id: part.id, toolName: part.name }];
      case "tool-input-delta":
        return [{ type: "tool-input-delta", id: part.id, delta: part.text }];
      case "tool-call":
        return this.#call(part.toolCall);
      default:
        return [];
    }
  }

  /** The end: what was held back, what the model needs to see again, and the facts. */
  finish(outcome: Outcome): LanguageModelV3StreamPart[] {
    const { text, model, usage, providerData } = outcome;
    return [
      ...(this.#hasText ? [] : this.#text(text)),
      ...this.#close(),
      ...(providerData === undefined ? [] : this.#keep(providerData)),
      ...(model === undefined ? [] : [{ type: "response-metadata" as const, modelId: model }]),
      {
        type: "finish",
        usage: toUsage(usage),
        finishReason: toFinishReason(outcome),
        providerMetadata: toMetadata(outcome),
      },
    ];
  }

  #text(text: string): LanguageModelV3StreamPart[] {
    if (text === "") return [];
    this.#hasText = true;
    return this.#write("text", text);
  }

  #write(type: BlockType, delta: string): LanguageModelV3StreamPart[] {
    if (this.#block?.type === type) return [{ type: `${type}-delta`, id: this.#block.id, delta }];
    const closed = this.#close();
    const id = this.#nextId();
    this.#block = { type, id };
    return [...closed, { type: `${type}-start`, id }, { type: `${type}-delta`, id, delta }];
  }

  #close(): LanguageModelV3StreamPart[] {
    if (this.#block === undefined) return [];
    const { type, id } = this.#block;
    this.#block = undefined;
    return [{ type: `${type}-end`, id }];
  }

  #call(call: ToolCall): LanguageModelV3StreamPart[] {
    const { id, name } = call;
    const ended: LanguageModelV3StreamPart[] = this.#calls.delete(id) ? [{ type: "tool-input-end", id }] : [];
    const whole = { type: "tool-call", toolCallId: id, toolName: name, input: argumentsText(call) } as const;
    return [...this.#close(), ...ended, whole];
  }

  /** A block of reasoning without text: what is to be kept is only known when all other blocks are closed. */
  #keep(providerData: NonNullable<Outcome["providerData"]>): LanguageModelV3StreamPart[] {
    const id = this.#nextId();
    return [
      { type: "reasoning-start", id },
      { type: "reasoning-end", id, providerMetadata: keepData(providerData) },
    ];
  }

  #nextId(): string {
    return String(this.#blocks++);
  }
}
