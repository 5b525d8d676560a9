import { setImmediate as turn, setTimeout as wait } from "node:timers/promises";
import { describeValue } from "../config/describe-value.ts";
import { OPTION_TABLE, type OptionName } from "../config/option-table.ts";
import { GenerationError, InvalidParameterError } from "../errors/index.ts";
import type { EmbedOptions, ProviderEmbeddings } from "../interface/embed.ts";
import type { Usage } from "../interface/generate-response.ts";
import type { ListedModel } from "../interface/listed-model.ts";
import type { LLMConfig } from "../interface/llm-config.ts";
import { type Capabilities, ModelCapability } from "../interface/model-capability.ts";
import type { ProviderScores, RerankOptions } from "../interface/rerank.ts";
import type { DeltaPart } from "../interface/stream-part.ts";
import type { ToolCall } from "../interface/tool-call.ts";
import { textOf } from "../prompt/text-of.ts";
import { BaseProvider } from "../providers/base-provider.ts";
import { capabilitiesWith } from "../providers/capabilities-with.ts";
import { checkLength } from "../providers/check-length.ts";
import type { ProviderAnswer, ProviderCall } from "../providers/provider-call.ts";
import { type FakeAnswer, type FakeAnswers, readFakeAnswer } from "./fake-answer.ts";
import { fakeEmbedding } from "./fake-embedding.ts";
import { fakeScore } from "./fake-score.ts";

/** Of an answer, where a call sets no `maxTokens`. */
const MAX_TOKENS = 4096;

/**
 * An LLM for tests of programs: it answers what the test says, and everything around it is the library's own. Options are
 * checked, files read, tools run, schemas held to and asked for again, streams streamed and aborted as with any provider.
 *
 * Every option is taken and is there in `calls`. None changes what is answered; `timeout`, `signal`, `maxInputTokens` and
 * `contextWindow` act as always. A token is a word.
 *
 * @example
 * const llm = new FakeLLM([{ toolCalls: [{ name: "get_weather", arguments: { city: "Paris" } }] }, "Take an umbrella."]);
 * expect(await adviceFor("Paris", llm)).toBe("Take an umbrella.");
 * expect(llm.calls[0]?.options.temperature).toBe(0);
 */
export class FakeLLM extends BaseProvider {
  readonly #calls: ProviderCall[] = [];
  readonly #answers: FakeAnswers;
  #toolCallCount = 0;

  /**
   * @param answers - taken one after the other, or a function that gives them
   * @param config - as for `createLLM`; the model is called `fake` unless it says otherwise
   * @throws {InvalidParameterError} for answers that are none, or an option that is unknown or has a bad value
   */
  constructor(answers: FakeAnswers, config: LLMConfig = {}) {
    const supported = new Set(Object.keys(OPTION_TABLE) as OptionName[]);
    super({ name: "fake", defaults: { model: "fake" }, environment: {}, supported }, config);
    this.#answers = checkAnswers(answers);
  }

  /** What the model was asked so far: messages, tools, schema and options of each call, one for each of its answers. */
  get calls(): readonly ProviderCall[] {
    return [...this.#calls];
  }

  getCapabilities(): Capabilities {
    return capabilitiesWith({
      [ModelCapability.MAX_TOKENS]: this.getParam("maxTokens", MAX_TOKENS),
      [ModelCapability.VISION]: true,
      [ModelCapability.EMBEDDINGS]: true,
      [ModelCapability.RERANKING]: true,
    });
  }

  async load(): Promise<void> {}

  async unload(): Promise<void> {}

  protected async respond(
    call: ProviderCall,
    emit: (part: DeltaPart) => void,
    signal: AbortSignal,
  ): Promise<ProviderAnswer> {
    await checkLength(call, () => this.count(call), call.options.maxTokens ?? 1);
    this.#calls.push(call);
    const answer = await this.#next(call);
    const { reasoning = "", delayMs = 0 } = answer;
    const text = answer.object === undefined ? (answer.text ?? "") : JSON.stringify(answer.object);
    const say = async (type: "text-delta" | "reasoning-delta", whole: string) => {
      for (const word of whole.match(/\s*\S+|\s+$/g) ?? []) {
        await (delayMs === 0 ? turn(undefined, { signal }) : wait(delayMs, undefined, { signal }));
        emit({ type, text: word });
      }
    };
    await say("reasoning-delta", reasoning);
    await say("text-delta", text);
    if (answer.error !== undefined) throw answer.error;
    const toolCalls = this.#toolCalls(answer);
    for (const toolCall of toolCalls) emit({ type: "tool-call", toolCall });
    return {
      text,
      ...(reasoning === "" ? {} : { reasoning }),
      toolCalls,
      usage: usageOf(answer, await this.count(call), text),
      finishReason: answer.finishReason ?? (toolCalls.length > 0 ? "tool-calls" : "stop"),
      rawFinishReason: "fake",
      warnings: answer.warnings ?? [],
      model: call.options.model ?? "fake",
      raw: answer,
    };
  }

  protected async count({ messages }: ProviderCall): Promise<number> {
    return messages.reduce((sum, message) => sum + countWords(textOf(message)), 0);
  }

  protected override async embedTexts(
    texts: readonly string[],
    { dimensions, model = this.getParam("model", "fake") }: EmbedOptions,
  ): Promise<ProviderEmbeddings> {
    return {
      embeddings: texts.map((text) => fakeEmbedding(text, dimensions)),
      usage: { inputTokens: texts.reduce((sum, text) => sum + countWords(text), 0) },
      model,
      raw: undefined,
    };
  }

  protected override async scoreDocuments(
    query: string,
    documents: readonly string[],
    { model = this.getParam("model", "fake") }: RerankOptions,
  ): Promise<ProviderScores> {
    return {
      scores: documents.map((document, index) => ({ index, score: fakeScore(query, document) })),
      usage: { inputTokens: documents.reduce((sum, text) => sum + countWords(`${query} ${text}`), 0) },
      model,
      raw: undefined,
    };
  }

  protected override async models(): Promise<ListedModel[]> {
    return [{ id: this.getParam("model", "fake"), capabilities: {} }];
  }

  async #next(call: ProviderCall): Promise<FakeAnswer> {
    if (typeof this.#answers === "function") return readFakeAnswer(await this.#answers(call));
    const count = this.#answers.length;
    const answer = this.#answers[this.#calls.length - 1];
    if (answer !== undefined) return readFakeAnswer(answer);
    const message = `The fake model was asked ${this.#calls.length} times but has ${count} answers; give it more, or a function`;
    throw new GenerationError(message, { provider: this.provider });
  }

  #toolCalls({ toolCalls = [] }: FakeAnswer): ToolCall[] {
    return toolCalls.map(({ name, arguments: input = {}, id = `call_${++this.#toolCallCount}` }) => ({
      id,
      name,
      arguments: input,
    }));
  }
}

function checkAnswers(answers: FakeAnswers): FakeAnswers {
  if (typeof answers === "function") return answers;
  if (!Array.isArray(answers)) {
    const message = `Expected array of answers, or function that gives them, but received ${describeValue(answers)}`;
    throw new InvalidParameterError("answers", undefined, message, { provider: "fake" });
  }
  for (const answer of answers) readFakeAnswer(answer);
  return [...answers];
}

function usageOf({ usage, reasoning = "" }: FakeAnswer, prompt: number, text: string): Usage {
  const reasoningTokens = usage?.reasoningTokens ?? countWords(reasoning);
  const inputTokens = usage?.inputTokens ?? prompt;
  const outputTokens = usage?.outputTokens ?? countWords(text) + reasoningTokens;
  return {
    inputTokens,
    outputTokens,
    totalTokens: inputTokens + outputTokens,
    cachedInputTokens: 0,
    reasoningTokens,
    ...usage,
  };
}

const countWords = (text: string): number => text.match(/\S+/g)?.length ?? 0;
