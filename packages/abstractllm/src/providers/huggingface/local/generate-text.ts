import { GenerationError } from "../../../errors/index.ts";
import type { DeltaPart } from "../../../interface/stream-part.ts";
import type { ProviderAnswer, ProviderCall } from "../../base-provider.ts";
import type { EncodedPrompt } from "./encode-prompt.ts";
import type { LoadedModel } from "./load-model.ts";
import { StopFilter } from "./stop-filter.ts";
import type { TransformersModule } from "./transformers-js.ts";

/** Has a model answer one prompt. */
export async function generateText(
  library: TransformersModule,
  loaded: LoadedModel,
  prompt: EncodedPrompt,
  { options }: ProviderCall,
  emit: (part: DeltaPart) => void,
  signal: AbortSignal,
): Promise<Omit<ProviderAnswer, "model">> {
  const { maxTokens = 0, stop = [], seed } = options;
  const { input_ids, attention_mask } = prompt;
  const writer = new Writer(typeof stop === "string" ? [stop] : stop, endTokens(loaded), emit);
  const criteria = new library.InterruptableStoppingCriteria();
  const interrupt = () => criteria.interrupt();
  const streamer = new library.TextStreamer(loaded.tokenizer, {
    skip_prompt: true,
    skip_special_tokens: true,
    callback_function: (text) => {
      writer.text(text);
      if (writer.isStopped) interrupt();
    },
    token_callback_function: (tokens) => writer.tokens(tokens),
  });
  if (seed !== undefined) library.random.seed(seed);
  signal.addEventListener("abort", interrupt, { once: true });
  try {
    await loaded.model.generate({
      input_ids,
      attention_mask,
      ...sampling(options),
      max_new_tokens: maxTokens,
      streamer,
      stopping_criteria: criteria,
    });
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new GenerationError(`The model failed: ${reason}`, { provider: "huggingface", cause });
  } finally {
    signal.removeEventListener("abort", interrupt);
  }
  signal.throwIfAborted();
  return { ...writer.finish(prompt.length), warnings: prompt.warnings };
}

/** Always the likeliest token where there is no temperature; what is not set is the model's own affair. */
function sampling({ temperature = 0, topK, repetitionPenalty }: ProviderCall["options"]) {
  return {
    do_sample: temperature > 0,
    ...(temperature > 0 ? { temperature } : {}),
    ...(topK === undefined ? {} : { top_k: topK }),
    ...(repetitionPenalty === undefined ? {} : { repetition_penalty: repetitionPenalty }),
  };
}

function endTokens({ model }: LoadedModel): ReadonlySet<number> {
  const ids = model.generation_config?.eos_token_id ?? [];
  return new Set(typeof ids === "number" ? [ids] : ids);
}

/** Takes down an answer and the time it takes. */
class Writer {
  readonly #endTokens: ReadonlySet<number>;
  readonly #filter: StopFilter;
  readonly #startedAt = performance.now();
  #firstAt = 0;
  #text = "";
  #count = 0;
  #hasEnded = false;

  constructor(stops: readonly string[], endTokens: ReadonlySet<number>, emit: (part: DeltaPart) => void) {
    this.#endTokens = endTokens;
    this.#filter = new StopFilter(stops, (text) => {
      this.#text += text;
      emit({ type: "text-delta", text });
    });
  }

  get isStopped(): boolean {
    return this.#filter.isStopped;
  }

  text(text: string): void {
    this.#filter.push(text);
  }

  tokens(tokens: readonly bigint[]): void {
    if (this.#count === 0) this.#firstAt = performance.now();
    this.#hasEnded = tokens.some((token) => this.#endTokens.has(Number(token)));
    if (!this.#hasEnded) this.#count += tokens.length;
  }

  finish(inputTokens: number): Omit<ProviderAnswer, "model" | "warnings"> {
    this.#filter.end();
    const isStop = this.#hasEnded || this.isStopped;
    const rawFinishReason = this.isStopped ? "stop_string" : this.#hasEnded ? "eos_token" : "max_length";
    const usage = {
      inputTokens,
      outputTokens: this.#count,
      totalTokens: inputTokens + this.#count,
      cachedInputTokens: 0,
      reasoningTokens: 0,
    };
    return {
      text: this.#text,
      toolCalls: [],
      usage,
      finishReason: isStop ? "stop" : "length",
      rawFinishReason,
      timings: this.#timings(inputTokens),
      raw: { rawFinishReason, usage },
    };
  }

  /** The library does not tell how much memory it took. */
  #timings(inputTokens: number): NonNullable<ProviderAnswer["timings"]> {
    const totalMs = performance.now() - this.#startedAt;
    const timeToFirstTokenMs = this.#firstAt === 0 ? totalMs : this.#firstAt - this.#startedAt;
    const perSecond = (tokens: number, ms: number) => (ms > 0 ? (tokens / ms) * 1000 : 0);
    return {
      timeToFirstTokenMs,
      prefillTokensPerSecond: perSecond(inputTokens, timeToFirstTokenMs),
      decodeTokensPerSecond: perSecond(Math.max(0, this.#count - 1), totalMs - timeToFirstTokenMs),
      peakMemoryBytes: 0,
      totalMs,
    };
  }
}
