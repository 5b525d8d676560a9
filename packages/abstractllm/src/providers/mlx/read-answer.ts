import type { EngineModel, GenerateRequest, GenerationPart } from "@abstractllm/mlx";
import { createAnswerReader, marksOf } from "../../dialects/index.ts";
import { ProviderAPIError } from "../../errors/index.ts";
import type { DeltaPart } from "../../interface/stream-part.ts";
import type { PromptTokenLogprob } from "../../interface/token-logprob.ts";
import type { ProviderAnswer } from "../provider-call.ts";
import type { PreparedCall } from "./prepare-call.ts";
import { toLogprob, toPromptLogprob } from "./to-logprob.ts";

type Finish = Extract<GenerationPart, { type: "finish" }>;

/** What the engine's answer says by itself. */
export type ReadAnswer = Pick<
  ProviderAnswer,
  | "text"
  | "reasoning"
  | "logprobs"
  | "promptLogprobs"
  | "toolCalls"
  | "usage"
  | "finishReason"
  | "rawFinishReason"
  | "timings"
  | "raw"
> & { readonly warnings: readonly string[] };

/** Runs a request and reads the answer: reasoning, text and tool calls as the model writes them. */
export async function readAnswer(
  { call, callable, dialect, usedIds, constraint, isObject }: PreparedCall,
  model: EngineModel,
  request: GenerateRequest,
  emit: (part: DeltaPart) => void,
  signal: AbortSignal,
): Promise<ReadAnswer> {
  // a text sent as it is comes back as it is, unless a value is wanted of it
  const isRaw = call.options.chatTemplate === false && call.schema === undefined;
  const format = isRaw ? {} : { dialect, reasoning: model.info.reasoning };
  const makeReader = (startsInReasoning: boolean) =>
    createAnswerReader({
      ...format,
      startsInReasoning,
      areCallsHeld: constraint !== undefined,
      tools: callable,
      usedIds,
      emit,
    });
  let reader = makeReader(false);
  const keepSpecialTokens = marksOf({ ...format, tools: callable });
  const asked = { ...request, keepSpecialTokens, ...(constraint === undefined ? {} : { constraint }) };
  let hasBegun = false;
  let promptLogprobs: PromptTokenLogprob[] | undefined;
  for await (const part of model.generate(asked, { signal })) {
    if (isObject && !hasBegun) emit({ type: "object-start" }); // not before: the schema may be refused until then
    hasBegun = true;
    if (part.type === "reasoning-start") {
      reader = makeReader(true);
    } else if (part.type === "prompt-usage") {
      emit(part);
    } else if (part.type === "prompt-logprobs") {
      promptLogprobs = part.logprobs.map(toPromptLogprob);
      emit({ type: "prompt-logprobs", logprobs: promptLogprobs });
    } else if (part.type === "text-delta") {
      reader.push(part.text, part.logprobs?.map(toLogprob));
    } else {
      reader.end(part.finishReason === "length");
      const { text, reasoning, toolCalls, logprobs } = reader;
      return {
        ...finishOf(part, toolCalls.length > 0),
        text,
        toolCalls,
        ...(reasoning === "" ? {} : { reasoning }),
        ...(request.logprobs === undefined ? {} : { logprobs }),
        ...(promptLogprobs === undefined ? {} : { promptLogprobs }),
        usage: part.usage,
      };
    }
  }
  throw new ProviderAPIError("The engine ended the answer without saying why", { provider: "mlx" });
}

function finishOf(finish: Finish, hasCalls: boolean) {
  const { finishReason, rawFinishReason, timings, warnings } = finish;
  return {
    finishReason: hasCalls ? ("tool-calls" as const) : finishReason,
    rawFinishReason,
    timings,
    warnings,
    raw: finish,
  };
}
