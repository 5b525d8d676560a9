import type { ModelInfo } from "@abstractllm/mlx";
import { choiceText, chosenTools, promptTools, usedCallIds } from "../../dialects/index.ts";
import { InvalidRequestError } from "../../errors/index.ts";
import type { ToolSpec } from "../../interface/tool.ts";
import { withInstructions } from "../../prompt/with-instructions.ts";
import { withSchemaPrompt } from "../../schema/index.ts";
import type { ProviderCall } from "../provider-call.ts";

/** A call whose schema and tools are where the model finds them, and how the model writes its answer. */
export interface PreparedCall {
  /** Its `tools` are those for the chat template. */
  readonly call: ProviderCall;
  /** The tools whose calls the answer may hold. */
  readonly callable: readonly ToolSpec[];
  readonly dialect: string | undefined;
  /** Ids of the conversation's tool calls so far. */
  readonly usedIds: ReadonlySet<string>;
}

/**
 * Puts tools into the chat template where it takes them and the model's way of calling them is known, else into the
 * messages; schemas always go into the messages.
 *
 * @throws {InvalidRequestError} when `chatTemplate: false` leaves no place for tools, schema or reasoning
 */
export function prepareCall(given: ProviderCall, info: ModelInfo): PreparedCall {
  const { schema, options } = given;
  if (options.chatTemplate === false) refuseInRawPrompt(given);
  const call =
    schema === undefined ? given : { ...given, messages: withSchemaPrompt(given.messages, schema) };
  const callable = chosenTools(call);
  const usedIds = usedCallIds(given.messages);
  const { toolDialect: dialect } = info;
  if (info.templateSwitches.includes("tools") && dialect !== undefined) {
    const text = choiceText(call.toolChoice);
    const messages = text === "" ? call.messages : withInstructions(call.messages, text);
    return { call: { ...call, messages, tools: callable }, callable, dialect, usedIds };
  }
  const prompted = promptTools({ ...call, tools: callable });
  return { call: prompted, callable, dialect: callable.length === 0 ? dialect : "prompted_json", usedIds };
}

function refuseInRawPrompt({ tools, schema, options }: ProviderCall): void {
  const misplaced =
    (tools.length > 0 && "tools") ||
    (schema !== undefined && "schema") ||
    (options.reasoning !== undefined && "reasoning");
  if (misplaced === false) return;
  const message = `chatTemplate: false sends a text as it is, so ${misplaced} has no place; leave one of them out`;
  throw new InvalidRequestError(message, { provider: "mlx" });
}
