import type { FinishReason, Usage } from "../../interface/generate-response.ts";
import type { DeltaPart } from "../../interface/stream-part.ts";
import type { ProviderAnswer } from "../base-provider.ts";
import {
  AnswerWriter,
  asArray,
  asCount,
  asRecord,
  asText,
  type HttpResponse,
  type JsonRecord,
  type RemoteClient,
} from "../remote/index.ts";

const FINISH_REASONS: Readonly<Record<string, FinishReason>> = {
  end_turn: "stop",
  stop_sequence: "stop",
  max_tokens: "length",
  model_context_window_exceeded: "length",
  tool_use: "tool-calls",
  refusal: "content-filter",
};

/** Blocks that are written out again from a message's text and tool calls. */
const PLAIN_BLOCKS: ReadonlySet<unknown> = new Set(["text", "tool_use"]);

/**
 * Reads an answer of `/v1/messages`, streamed or, from gateways that do not stream, whole. Events, blocks and deltas
 * that are not known are passed over.
 *
 * @throws {ProviderConnectionError} when the stream ends before the message does
 */
export async function readAnswer(
  client: RemoteClient,
  response: HttpResponse,
  emit: (part: DeltaPart) => void,
): Promise<ProviderAnswer> {
  const answer = new MessageReader(emit);
  if (/^application\/json\b/i.test(response.headers["content-type"] ?? "")) {
    const whole = asRecord(await client.json(response));
    if (whole.error !== undefined) throw client.reported(whole);
    answer.addWhole(whole);
    return answer.finish();
  }
  for await (const event of client.events(response)) {
    if (event === "done") break;
    const data = asRecord(event.data);
    if (event.type === "error" || data.error !== undefined) throw client.reported(data);
    if (data.type === "message_stop") return answer.finish();
    answer.add(data);
  }
  if (!answer.hasEnded) throw client.brokenOff();
  return answer.finish();
}

/** One block of the message, and the JSON text of its input where that is still being written. */
interface OpenBlock {
  block: Record<string, unknown>;
  input: string;
}

class MessageReader {
  readonly #emit: (part: DeltaPart) => void;
  readonly #writer: AnswerWriter;
  readonly #blocks = new Map<number, OpenBlock>();
  #message: JsonRecord = {};

  constructor(emit: (part: DeltaPart) => void) {
    this.#emit = emit;
    this.#writer = new AnswerWriter(emit);
  }

  get hasEnded(): boolean {
    return asText(this.#message.stop_reason) !== "";
  }

  add(event: JsonRecord): void {
    const index = asCount(event.index);
    switch (event.type) {
      case "message_start":
        this.#begin(asRecord(event.message));
        break;
      case "content_block_start":
        this.#start(index, asRecord(event.content_block));
        break;
      case "content_block_delta":
        this.#extend(index, asRecord(event.delta));
        break;
      case "content_block_stop":
        this.#stop(index);
        break;
      case "message_delta":
        this.#end(asRecord(event.delta), asRecord(event.usage));
    }
  }

  /** An answer that was not streamed. */
  addWhole(message: JsonRecord): void {
    this.#message = message;
    for (const [index, block] of asArray(message.content).map(asRecord).entries()) {
      this.#start(index, block);
      this.#stop(index);
    }
  }

  #begin(message: JsonRecord): void {
    this.#message = message;
    const { inputTokens, cachedInputTokens } = readUsage(asRecord(message.usage));
    // gateways that learn it with the end say 0
    if (inputTokens > 0) this.#emit({ type: "prompt-usage", inputTokens, cachedInputTokens });
  }

  #start(index: number, block: JsonRecord): void {
    this.#blocks.set(index, { block: { ...block }, input: "" });
    if (block.type === "text") this.#writer.text(asText(block.text));
    if (block.type === "thinking") this.#writer.reasoning(asText(block.thinking));
    if (block.type === "tool_use") this.#writer.startToolCall(index, asText(block.id), asText(block.name));
  }

  #extend(index: number, delta: JsonRecord): void {
    const open = this.#blocks.get(index);
    if (open === undefined) return;
    const append = (name: string) => {
      const text = asText(delta[name]);
      open.block[name] = asText(open.block[name]) + text;
      return text;
    };
    if (delta.type === "text_delta") this.#writer.text(append("text"));
    else if (delta.type === "thinking_delta") this.#writer.reasoning(append("thinking"));
    else if (delta.type === "signature_delta") append("signature");
    else if (delta.type === "input_json_delta") {
      const text = asText(delta.partial_json);
      open.input += text;
      this.#writer.toolInput(index, text);
    }
  }

  #stop(index: number): void {
    const { block, input } = this.#blocks.get(index) ?? { block: {}, input: "" };
    if (block.type !== "tool_use") return;
    if (input === "") this.#writer.toolInput(index, JSON.stringify(block.input ?? {})); // it came whole
    this.#writer.endToolCall(index);
  }

  #end(delta: JsonRecord, usage: JsonRecord): void {
    const counted = Object.entries(usage).filter(([, value]) => value !== null);
    const total = { ...asRecord(this.#message.usage), ...Object.fromEntries(counted) };
    this.#message = { ...this.#message, ...delta, usage: total };
  }

  finish(): ProviderAnswer {
    const written = this.#writer.finish();
    const content = this.#content(written.toolCalls);
    const rawFinishReason = asText(this.#message.stop_reason);
    return {
      ...written,
      usage: readUsage(asRecord(this.#message.usage)),
      finishReason: FINISH_REASONS[rawFinishReason] ?? "other",
      rawFinishReason,
      warnings: [],
      model: asText(this.#message.model),
      raw: { ...this.#message, content },
      ...(content.every(({ type }) => PLAIN_BLOCKS.has(type)) ? {} : { providerData: { content } }),
    };
  }

  /** The blocks of the message, complete. */
  #content(toolCalls: ProviderAnswer["toolCalls"]): JsonRecord[] {
    return [...this.#blocks.values()].map(({ block, input }) => {
      if (block.type !== "tool_use" || input === "") return block;
      return { ...block, input: toolCalls.find(({ id }) => id === block.id)?.arguments ?? {} };
    });
  }
}

/** The service counts what it reads from its cache, and writes there, apart from the rest of the input. */
function readUsage(usage: JsonRecord): Usage {
  const cachedInputTokens = asCount(usage.cache_read_input_tokens);
  const inputTokens =
    asCount(usage.input_tokens) + asCount(usage.cache_creation_input_tokens) + cachedInputTokens;
  const outputTokens = asCount(usage.output_tokens);
  return {
    inputTokens,
    outputTokens,
    totalTokens: inputTokens + outputTokens,
    cachedInputTokens,
    reasoningTokens: asCount(asRecord(usage.output_tokens_details).thinking_tokens),
  };
}
