import type { ApproveToolCall, Tool, ToolContext } from "../interface/tool.ts";
import type { ToolCall, ToolResult } from "../interface/tool-call.ts";
import { withCallSignal } from "../providers/call-signal.ts";
import { validate } from "../schema/index.ts";

/** What running a tool needs beside the call. */
export interface ToolRun {
  readonly tools: ReadonlyMap<string, Tool>;
  readonly approve: ApproveToolCall | undefined;
  readonly context: ToolContext;
}

/**
 * Runs the tool that a model asked for. What goes wrong with it is a result too, which the model gets to see.
 *
 * @returns undefined for a tool without `execute`, whose call is the caller's to answer
 * @throws {AbstractLLMError} what `approve` throws, or the reason when the whole call is aborted
 */
export async function runTool(toolCall: ToolCall, run: ToolRun): Promise<ToolResult | undefined> {
  const { tools, approve, context } = run;
  const tool = tools.get(toolCall.name);
  const failed = (message: string) => resultOf(toolCall, message, true);
  if (tool === undefined) {
    return failed(`There is no tool "${toolCall.name}". Tools: ${[...tools.keys()].join(", ")}`);
  }
  const input = await readInput(tool, toolCall);
  if (input.issues !== undefined) return failed(`The arguments are wrong. ${input.issues.join("; ")}`);
  if (tool.execute === undefined) return undefined;
  const approval = (await approve?.(toolCall, context)) ?? true;
  const { approved, reason } = typeof approval === "boolean" ? { approved: approval } : approval;
  if (!approved) return failed(`The call was not allowed${reason === undefined ? "" : `: ${reason}`}`);
  try {
    return resultOf(toolCall, await execute(tool, input.value, context), false);
  } catch (error) {
    context.signal.throwIfAborted();
    return failed(error instanceof Error ? error.message : String(error));
  }
}

async function readInput({ parameters }: Tool, { arguments: input, invalidArguments }: ToolCall) {
  if (invalidArguments !== undefined) return { issues: ["They are not a JSON object"] };
  return parameters === undefined ? { value: input } : validate(parameters, input);
}

function execute(tool: Tool, input: unknown, context: ToolContext): Promise<unknown> {
  return withCallSignal(
    { signals: [context.signal], timeoutMs: tool.timeoutMs, subject: `The tool "${tool.name}"` },
    async (signal) => {
      const output = await tool.execute?.(input, { ...context, signal });
      textOfOutput(output); // what cannot be written down fails here, as the tool's own error
      return output;
    },
  );
}

const resultOf = ({ id, name }: ToolCall, output: unknown, isError: boolean): ToolResult => ({
  toolCallId: id,
  name,
  output,
  isError,
});

/** A tool's output as its model reads it. */
export function textOfOutput(output: unknown): string {
  if (typeof output === "string") return output;
  return JSON.stringify(output) ?? "";
}
