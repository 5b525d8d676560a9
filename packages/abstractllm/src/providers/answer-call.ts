import { GenerationError } from "../errors/index.ts";
import type { GenerateResponse } from "../interface/generate-response.ts";
import type { Schema } from "../interface/schema.ts";
import type { DeltaPart } from "../interface/stream-part.ts";
import type { ResolvedMessage } from "../media/resolved-message.ts";
import { correctionOf, PartialObject, readObject } from "../schema/index.ts";
import { followedBy, runSteps } from "../tools/index.ts";
import type { ProviderCall } from "./provider-call.ts";

/** Asks the model once. */
export type Respond = (
  call: ProviderCall,
  emit: (part: DeltaPart) => void,
  signal: AbortSignal,
) => Promise<GenerateResponse>;

/**
 * Answers a call in as many answers of the model as its tools and its schema need.
 *
 * @throws {GenerationError} when no answer fits the schema
 */
export async function answerCall(
  call: ProviderCall,
  respond: Respond,
  emit: (part: DeltaPart) => void,
  signal: AbortSignal,
): Promise<GenerateResponse> {
  const { schema, tools = [], maxSteps = 10, approveToolCall } = call.options;
  const tell = schema === undefined ? emit : withObjects(emit);
  const ask = (messages: readonly ResolvedMessage[]) =>
    runSteps({
      messages,
      tools: new Map(tools.map((tool) => [tool.name, tool])),
      choice: call.toolChoice,
      maxSteps,
      approve: approveToolCall,
      emit: tell,
      signal,
      answer: (conversation, toolChoice) =>
        respond({ ...call, messages: conversation, toolChoice }, tell, signal),
    });
  const response = await ask(call.messages);
  return schema === undefined ? response : fit(response, schema, call, ask, tell);
}

/** Holds an answer to its schema: one that does not fit goes back with what is wrong. */
async function fit(
  first: GenerateResponse,
  schema: Schema,
  { messages, options, provider }: ProviderCall,
  ask: (messages: readonly ResolvedMessage[]) => Promise<GenerateResponse>,
  emit: (part: DeltaPart) => void,
): Promise<GenerateResponse> {
  // a text that is sent as it is has no place for a correction
  const { chatTemplate, maxSchemaRetries = chatTemplate === false ? 0 : 2 } = options;
  let response = first;
  for (let retry = 0; ; retry++) {
    if (response.toolCalls.length > 0) return response; // the answer comes when they have results
    const read = await readObject(response.text, schema);
    if (read.issues === undefined) return { ...response, object: read.value };
    const remedy = chatTemplate === false ? "say in the prompt what is wanted" : "raise maxSchemaRetries";
    const problem = problemOf(response, read.issues, retry === maxSchemaRetries ? remedy : undefined);
    const { finishReason, rawFinishReason, usage } = response;
    if (problem !== undefined) {
      const details = { issues: read.issues, finishReason, rawFinishReason, usage };
      throw new GenerationError(problem, { provider, details });
    }
    emit({ type: "step-finish", finishReason, rawFinishReason, usage });
    const next = await ask([...messages, ...response.messages, correctionOf(read.issues)]);
    response = { ...followedBy(response, next), messages: next.messages };
  }
}

/** @param remedy - against an answer that does not fit; undefined where it goes back to the model */
function problemOf(
  response: GenerateResponse,
  issues: readonly string[],
  remedy: string | undefined,
): string | undefined {
  if (response.finishReason === "length") {
    return "The answer was cut off before its JSON was complete; raise maxTokens or ask for less";
  }
  if (remedy === undefined) return undefined;
  return `The answer does not fit the schema: ${issues.join("; ")}; ${remedy} or take a stronger model`;
}

/** Sends the object along with the text it comes in. */
function withObjects(emit: (part: DeltaPart) => void): (part: DeltaPart) => void {
  let partial = new PartialObject();
  return (part) => {
    emit(part);
    if (part.type === "step-finish") partial = new PartialObject();
    const object = part.type === "text-delta" ? partial.push(part.text) : undefined;
    if (object !== undefined) emit({ type: "object-delta", object });
  };
}
