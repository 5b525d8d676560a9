import { type AbstractLLM, type LLMStream, type StreamPart, UnsupportedFeatureError } from "abstractllm";
import { type PreparedCall, withoutOption } from "../call/prepare-call.ts";
import { isMisfit } from "./outcome.ts";

/** An answer of which there is something, so that it is past what can be tried again. */
export interface BegunAnswer {
  readonly stream: LLMStream;
  readonly first: StreamPart;
  /** The parts behind the first. */
  readonly rest: AsyncIterator<StreamPart, undefined>;
  /** What was asked in the end. */
  readonly call: PreparedCall;
}

/**
 * Asks a model and waits for the first part of its answer. Options that it does not have are left out, with a warning.
 *
 * @throws what the model fails with before there is anything of its answer
 */
export async function beginAnswer(llm: AbstractLLM, asked: PreparedCall): Promise<BegunAnswer> {
  for (let call = asked; ; ) {
    try {
      return await begin(llm, call);
    } catch (error) {
      if (!UnsupportedFeatureError.isInstance(error) || !call.optional.has(error.feature)) throw error;
      call = withoutOption(call, error.feature);
    }
  }
}

async function begin(llm: AbstractLLM, call: PreparedCall): Promise<BegunAnswer> {
  const stream = llm.stream(call.messages, call.options);
  const rest = stream[Symbol.asyncIterator]();
  const { value: first } = await rest.next();
  if (first === undefined)
    throw new TypeError("A stream ended without a part; it must end with finish or error");
  if (first.type === "error" && !isMisfit(first.error)) throw first.error;
  return { stream, first, rest, call };
}
