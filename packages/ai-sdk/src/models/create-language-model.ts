import type {
  LanguageModelV3,
  LanguageModelV3GenerateResult,
  LanguageModelV3StreamResult,
} from "@ai-sdk/provider";
import { beginAnswer, readWhole, toStream } from "../answer/index.ts";
import type { CallOptions } from "../call/call-options.ts";
import { type PreparedCall, prepareCall } from "../call/prepare-call.ts";
import { factsOf, type ModelSource } from "./model-source.ts";
import { withLLM } from "./with-llm.ts";

/** An LLM as a language model of the AI SDK: an object without `this`, because AI SDK 7 puts proxies around models. */
export function createLanguageModel(source: ModelSource): LanguageModelV3 {
  return {
    ...factsOf(source),
    // every address: the library fetches files itself where the service does not, and none of private hosts
    supportedUrls: { "*/*": [/^https?:\/\//] },
    doGenerate: (options) => generate(source, options),
    doStream: (options) => stream(source, options),
  };
}

function generate(source: ModelSource, options: CallOptions): Promise<LanguageModelV3GenerateResult> {
  return withLLM(source, "languageModel", async (llm) =>
    readWhole(await beginAnswer(llm, prepareCall(options))),
  );
}

function stream(source: ModelSource, options: CallOptions): Promise<LanguageModelV3StreamResult> {
  return withLLM(source, "languageModel", async (llm, mapError) => {
    const answer = await beginAnswer(llm, sendingAtOnce(prepareCall(options)));
    const { abortSignal: signal, includeRawChunks = false } = options;
    return { stream: toStream(answer, { signal, includeRawChunks, mapError }) };
  });
}

/** What was sent cannot be taken back, so a streamed answer to a schema is not given anew unless that is asked for. */
function sendingAtOnce(call: PreparedCall): PreparedCall {
  if (call.options.schema === undefined) return call;
  return { ...call, options: { maxSchemaRetries: 0, ...call.options } };
}
