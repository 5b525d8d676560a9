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
  withPromptedTools,
  withSchemaPrompt,
} from "../../src/index.ts";

/** What the model says next. */
export interface ScriptedAnswer {
  text?: string;
  reasoning?: string;
  toolCalls?: ToolCall[];
  finishReason?: FinishReason;
}

/** A custom provider whose model reads its answers from a script: what stands above `respond` is the real thing. */
export class ScriptedProvider extends BaseProvider {
  /** What the model was asked. */
  readonly calls: ProviderCall[] = [];
  readonly #script: ScriptedAnswer[];
  readonly #isNative: boolean;

  /** @param mode - `"native"` takes tools and schemas as they are; `"prompted"` only knows text */
  constructor(
    script: readonly ScriptedAnswer[],
    mode: "native" | "prompted" = "native",
    config: LLMConfig = {},
  ) {
    const supported = new Set(["model", "tools", "schema", "temperature"] as const);
    super({ name: "scripted", defaults: {}, environment: {}, supported }, config);
    this.#script = [...script];
    this.#isNative = mode === "native";
  }

  getCapabilities(): Capabilities {
    const none = Object.values(ModelCapability).map((name) => [name, false]);
    return { ...Object.fromEntries(none), [ModelCapability.MAX_TOKENS]: 10 };
  }

  async load(): Promise<void> {}

  async unload(): Promise<void> {}

  protected async respond(
    call: ProviderCall,
    emit: (part: DeltaPart) => void,
    signal: AbortSignal,
  ): Promise<ProviderAnswer> {
    if (this.#isNative) return this.#say(call, emit, signal);
    const { schema } = call;
    const messages = schema === undefined ? call.messages : withSchemaPrompt(call.messages, schema);
    return withPromptedTools({ ...call, messages }, emit, (plain, tell) => this.#say(plain, tell, signal));
  }

  protected async count({ messages }: ProviderCall): Promise<number> {
    return messages.length;
  }

  async #say(
    call: ProviderCall,
    emit: (part: DeltaPart) => void,
    signal: AbortSignal,
  ): Promise<ProviderAnswer> {
    signal.throwIfAborted();
    this.calls.push(call);
    const answer = this.#script.shift();
    if (answer === undefined) throw new Error("The script is over");
    const { text = "", reasoning, toolCalls = [] } = answer;
    if (reasoning !== undefined) emit({ type: "reasoning-delta", text: reasoning });
    for (const piece of text.match(/.{1,3}/gs) ?? []) emit({ type: "text-delta", text: piece });
    for (const toolCall of toolCalls) emit({ type: "tool-call", toolCall });
    return {
      text,
      ...(reasoning === undefined ? {} : { reasoning }),
      toolCalls,
      usage: { inputTokens: 10, outputTokens: 5, totalTokens: 15, cachedInputTokens: 2, reasoningTokens: 1 },
      finishReason: answer.finishReason ?? (toolCalls.length > 0 ? "tool-calls" : "stop"),
      rawFinishReason: "scripted",
      warnings: ["said"],
      model: "script-1",
      raw: answer,
    };
  }
}
