import {
  BaseProvider,
  type Capabilities,
  type DeltaPart,
  type FinishReason,
  type LLMConfig,
  ModelCapability,
  type ProviderAnswer,
  type ProviderCall,
  type ToolCall,
  type Usage,
} from "abstractllm";

/** What the model says next. */
export interface ScriptedAnswer {
  readonly text?: string;
  readonly reasoning?: string;
  /** Told once the prompt is read. */
  readonly promptUsage?: Pick<Usage, "inputTokens" | "cachedInputTokens">;
  readonly toolCalls?: readonly ToolCall[];
  /** A call that is cut off within its arguments. */
  readonly cutCall?: { readonly id: string; readonly name: string; readonly text: string };
  readonly finishReason?: FinishReason;
  /** Says that it can be nothing but a value of the schema. */
  readonly isObject?: boolean;
  /** Goes on with more text until it is aborted. */
  readonly isEndless?: boolean;
  /** Thrown after all else was said. */
  readonly error?: Error;
  /** Waited for before anything is said. */
  readonly after?: Promise<unknown>;
}

const PIECE = /.{1,3}/gsu;

/** A provider whose model reads its answers from a script: what stands above it is the real thing. */
export class ScriptedLLM extends BaseProvider {
  /** What the model was asked. */
  readonly calls: ProviderCall[] = [];
  /** Calls that were aborted. */
  aborted = 0;
  /** Pieces of text that were made. */
  pieces = 0;
  readonly #script: ScriptedAnswer[];

  /** @param script - one answer for each call; the last one is given again and again */
  constructor(script: readonly ScriptedAnswer[] = [{ text: "Hello, 東京🙂!" }], config: LLMConfig = {}) {
    const supported = new Set(
      "model temperature topP topK maxTokens stop seed logitBias tools schema reasoning chatTemplate vision templateVariables".split(
        " ",
      ) as never[],
    );
    super({ name: "scripted", defaults: {}, environment: {}, supported }, config);
    this.#script = [...script];
  }

  getCapabilities(): Capabilities {
    const all = Object.values(ModelCapability).map((name) => [name, true]);
    return { ...Object.fromEntries(all), [ModelCapability.MAX_TOKENS]: 10 };
  }

  async load(): Promise<void> {}

  async unload(): Promise<void> {}

  protected async respond(
    call: ProviderCall,
    emit: (part: DeltaPart) => void,
    signal: AbortSignal,
  ): Promise<ProviderAnswer> {
    this.calls.push(call);
    const answer = (this.#script.length > 1 ? this.#script.shift() : this.#script[0]) ?? {};
    const { text = "", reasoning, toolCalls = [], cutCall, isEndless = false, error, after } = answer;
    await after;
    if (answer.promptUsage !== undefined) emit({ type: "prompt-usage", ...answer.promptUsage });
    if (answer.isObject === true) emit({ type: "object-start" });
    if (reasoning !== undefined) emit({ type: "reasoning-delta", text: reasoning });
    for (const piece of text.match(PIECE) ?? []) emit({ type: "text-delta", text: piece });
    for (const toolCall of toolCalls) sayCall(toolCall, emit);
    if (cutCall !== undefined) {
      emit({ type: "tool-input-start", id: cutCall.id, name: cutCall.name });
      emit({ type: "tool-input-delta", id: cutCall.id, text: cutCall.text });
    }
    if (isEndless) await this.#goOn(emit, signal);
    if (error !== undefined) throw error;
    return {
      text,
      ...(reasoning === undefined ? {} : { reasoning }),
      toolCalls,
      usage: { inputTokens: 10, outputTokens: 5, totalTokens: 15, cachedInputTokens: 2, reasoningTokens: 1 },
      finishReason: answer.finishReason ?? (toolCalls.length > 0 ? "tool-calls" : "stop"),
      rawFinishReason: "scripted",
      warnings: [],
      model: "script-1",
      raw: answer,
      providerData: { seen: call.messages.length },
    };
  }

  protected async count({ messages }: ProviderCall): Promise<number> {
    return messages.length;
  }

  protected override async embedTexts(texts: readonly string[]) {
    const embeddings = texts.map((text) => [text.length, 0.5, -1]);
    return { embeddings, usage: { inputTokens: texts.length }, model: "script-1", raw: undefined };
  }

  async #goOn(emit: (part: DeltaPart) => void, signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      this.pieces++;
      emit({ type: "text-delta", text: " more" });
      await new Promise((resolve) => setImmediate(resolve));
    }
    this.aborted++;
    signal.throwIfAborted();
  }
}

function sayCall(toolCall: ToolCall, emit: (part: DeltaPart) => void): void {
  const { id, name } = toolCall;
  emit({ type: "tool-input-start", id, name });
  for (const text of JSON.stringify(toolCall.arguments).match(PIECE) ?? []) {
    emit({ type: "tool-input-delta", id, text });
  }
  emit({ type: "tool-call", toolCall });
}
