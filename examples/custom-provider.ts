/** A provider of one's own: here one that repeats what it is told. */
import {
  BaseProvider,
  type Capabilities,
  createLLM,
  type DeltaPart,
  type LLMConfig,
  ModelCapability,
  type ProviderAnswer,
  type ProviderCall,
  registerProvider,
  textOf,
} from "abstractllm";

class EchoProvider extends BaseProvider {
  constructor(config: LLMConfig) {
    super(
      { name: "echo", defaults: { maxTokens: 100 }, environment: {}, supported: new Set(["maxTokens"]) },
      config,
    );
  }

  getCapabilities(): Capabilities {
    const none = Object.fromEntries(Object.values(ModelCapability).map((name) => [name, false]));
    return {
      ...none,
      streaming: true,
      supports_async: true,
      max_tokens: this.getParam("maxTokens", 100),
    } as Capabilities;
  }

  async load() {}
  async unload() {}

  protected async respond(call: ProviderCall, emit: (part: DeltaPart) => void): Promise<ProviderAnswer> {
    const said = call.messages
      .slice(-1)
      .map(textOf)
      .join("")
      .split(/(?<=\s)/);
    const words = said.slice(0, call.options.maxTokens);
    for (const text of words) emit({ type: "text-delta", text });
    const [inputTokens, outputTokens] = [said.length, words.length];
    return {
      text: words.join(""),
      toolCalls: [],
      usage: {
        inputTokens,
        outputTokens,
        totalTokens: inputTokens + outputTokens,
        cachedInputTokens: 0,
        reasoningTokens: 0,
      },
      finishReason: words.length < said.length ? "length" : "stop",
      rawFinishReason: "echoed",
      warnings: [],
      model: "echo-1",
      raw: undefined,
    };
  }

  protected async count(call: ProviderCall): Promise<number> {
    return call.messages.reduce((sum, message) => sum + textOf(message).split(/\s+/).length, 0);
  }
}

registerProvider("echo", async () => ({ createProvider: (config) => new EchoProvider(config) }));

const llm = await createLLM("echo", { maxTokens: 3 });
for await (const part of llm.stream("Is there an echo in here?")) console.log(part);
