import type {
  LanguageModelV3,
  LanguageModelV3GenerateResult,
  LanguageModelV3StreamResult,
} from "@ai-sdk/provider";
import { beginAnswer, readWhole, toStream } from "../answer/index.ts";
import type { CallOptions } from "../call/call-options.ts";
import { type PreparedCall, prepareCall } from "../call/prepare-call.ts";
import { Model } from "./model.ts";

/** An LLM as a language model of the AI SDK. */
export class LanguageModel extends Model implements LanguageModelV3 {
  /** Every address: the library fetches files itself where the service does not, and none of private hosts. */
  readonly supportedUrls: Record<string, RegExp[]> = { "*/*": [/^https?:\/\//] };
  protected readonly modelType = "languageModel";

  doGenerate(options: CallOptions): Promise<LanguageModelV3GenerateResult> {
    return this.withLLM(async (llm) => readWhole(await beginAnswer(llm, prepareCall(options))));
  }

  doStream(options: CallOptions): Promise<LanguageModelV3StreamResult> {
    return this.withLLM(async (llm, mapError) => {
      const answer = await beginAnswer(llm, sendingAtOnce(prepareCall(options)));
      const { abortSignal: signal, includeRawChunks = false } = options;
      return { stream: toStream(answer, { signal, includeRawChunks, mapError }) };
    });
  }
}

/** What was sent cannot be taken back, so a streamed answer to a schema is not given anew unless that is asked for. */
function sendingAtOnce(call: PreparedCall): PreparedCall {
  if (call.options.schema === undefined) return call;
  return { ...call, options: { maxSchemaRetries: 0, ...call.options } };
}
