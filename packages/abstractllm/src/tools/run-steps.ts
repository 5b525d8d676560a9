import type { GenerateResponse } from "../interface/generate-response.ts";
import type { ToolMessage } from "../interface/message.ts";
import type { DeltaPart } from "../interface/stream-part.ts";
import type { ApproveToolCall, Tool, ToolChoice } from "../interface/tool.ts";
import type { ToolCall, ToolResult } from "../interface/tool-call.ts";
import type { ResolvedMessage } from "../media/resolved-message.ts";
import { followedBy } from "./followed-by.ts";
import { runTool, textOfOutput } from "./run-tool.ts";

/** A call that may run tools. */
export interface Steps {
  readonly messages: readonly ResolvedMessage[];
  readonly tools: ReadonlyMap<string, Tool>;
  readonly choice: ToolChoice;
  readonly maxSteps: number;
  readonly approve: ApproveToolCall | undefined;
  readonly emit: (part: DeltaPart) => void;
  readonly signal: AbortSignal;
  /** Asks the model once. */
  readonly answer: (messages: readonly ResolvedMessage[], choice: ToolChoice) => Promise<GenerateResponse>;
}

/**
 * Asks the model, runs the tools it asks for, all of one answer at once, and asks again with their results, until an
 * answer asks for none, asks for one that is the caller's to run, or `maxSteps` is reached.
 *
 * @returns the last answer, with the usage of all and the messages of the whole exchange
 */
export async function runSteps(steps: Steps): Promise<GenerateResponse> {
  const { maxSteps, emit, answer } = steps;
  let messages = steps.messages;
  let total: GenerateResponse | undefined;
  for (let step = 1; ; step++) {
    // a choice that held forever would never let the model answer
    const choice = step === 1 || steps.choice === "none" ? steps.choice : "auto";
    const last = await answer(messages, choice);
    total = total === undefined ? last : followedBy(total, last);
    if (last.toolCalls.length === 0) return total;
    if (step === maxSteps) return stopped(total, last.toolCalls, step === 1 ? [] : [limitText(step)]);
    messages = [...messages, ...last.messages];
    const { results, waiting } = await runAll(last.toolCalls, messages, steps);
    const replies = results.map(replyOf);
    messages = [...messages, ...replies];
    total = { ...total, messages: [...total.messages, ...replies] };
    if (waiting.length > 0) return stopped(total, waiting);
    const { finishReason, rawFinishReason, usage } = last;
    emit({ type: "step-finish", finishReason, rawFinishReason, usage });
  }
}

async function runAll(
  toolCalls: readonly ToolCall[],
  messages: readonly ResolvedMessage[],
  { tools, approve, emit, signal }: Steps,
): Promise<{ results: ToolResult[]; waiting: ToolCall[] }> {
  const ran = await Promise.all(
    toolCalls.map(async (toolCall) => {
      const context = { toolCallId: toolCall.id, messages, signal };
      const toolResult = await runTool(toolCall, { tools, approve, context });
      if (toolResult !== undefined) emit({ type: "tool-result", toolResult });
      return toolResult;
    }),
  );
  return {
    results: ran.filter((result) => result !== undefined),
    waiting: toolCalls.filter((_, index) => ran[index] === undefined),
  };
}

const replyOf = ({ toolCallId, name, output, isError }: ToolResult): ToolMessage => ({
  role: "tool",
  content: textOfOutput(output),
  toolCallId,
  name,
  ...(isError ? { isError } : {}),
});

const stopped = (
  total: GenerateResponse,
  toolCalls: readonly ToolCall[],
  warnings: readonly string[] = [],
): GenerateResponse => ({
  ...total,
  toolCalls,
  finishReason: "tool-calls",
  warnings: [...total.warnings, ...warnings],
});

const limitText = (steps: number): string =>
  `The call ended after ${steps} answers of the model (maxSteps), the last of which asked for tools that were not run`;
