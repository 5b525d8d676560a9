import type { Constraint, ModelInfo } from "@abstractllm/mlx";
import {
  choiceText,
  chosenTools,
  forcedCall,
  heldCalls,
  promptTools,
  UnheldSchema,
  usedCallIds,
} from "../../dialects/index.ts";
import { InvalidRequestError, UnsupportedFeatureError } from "../../errors/index.ts";
import type { ToolSpec } from "../../interface/tool.ts";
import { withInstructions } from "../../prompt/with-instructions.ts";
import { withSchemaPrompt, withShapePrompt } from "../../schema/index.ts";
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
  /** What the engine holds the answer to. */
  readonly constraint: Constraint | undefined;
  /** The answer can be nothing but a value of the call's schema. */
  readonly isObject: boolean;
  /** What it is not held to although it could be in other words. */
  readonly warnings: readonly string[];
}

/** How far a call may go. */
interface PrepareOptions {
  /** Hold the answer to its schema or tool call where the engine can. Default true. */
  readonly constrain?: boolean;
}

/**
 * Puts tools into the chat template where it takes them and the model's way of calling them is known, else into the
 * messages. An answer that can only be one thing, a value of the schema or a call, is constrained to it, another one where
 * it calls; a schema that the answer is not held to goes into the messages.
 *
 * @throws {InvalidRequestError} when `chatTemplate: false` leaves no place for tools or reasoning
 * @throws {UnsupportedFeatureError} `"structured_output"` when it leaves none for a schema that cannot be held to
 */
export function prepareCall(
  given: ProviderCall,
  info: ModelInfo,
  { constrain = true }: PrepareOptions = {},
): PreparedCall {
  const isRaw = given.options.chatTemplate === false;
  if (isRaw) refuseInRawPrompt(given);
  const callable = chosenTools(given);
  const takesTools = info.templateSwitches.includes("tools") && info.toolDialect !== undefined;
  const dialect = takesTools || callable.length === 0 ? info.toolDialect : "prompted_json";
  const canConstrain = constrain && info.constraintProblem === undefined && given.options.ignoreEos !== true;
  const { constraint, warnings = [] } = canConstrain ? constraintOf(given, callable, dialect) : {};
  const isHeld = constraint !== undefined && callable.length === 0;
  if (isRaw && given.schema !== undefined && !isHeld) throw notHeldInRawPrompt(given, info);
  const messages = isRaw ? given.messages : messagesOf(given, isHeld);
  const call = { ...given, messages, tools: callable };
  const isObject = isHeld && given.schema !== undefined;
  const usedIds = usedCallIds(given.messages);
  const prepared = { callable, dialect, usedIds, constraint, isObject, warnings };
  if (!takesTools) return { ...prepared, call: promptTools(call) };
  const text = choiceText(call.toolChoice);
  if (text === "") return { ...prepared, call };
  return { ...prepared, call: { ...call, messages: withInstructions(call.messages, text) } };
}

/** What the answer is held to, or why not. */
function constraintOf(
  { schema, toolChoice }: ProviderCall,
  callable: readonly ToolSpec[],
  dialect = "",
): Partial<Pick<PreparedCall, "constraint" | "warnings">> {
  if (callable.length === 0) return schema === undefined ? {} : { constraint: { jsonSchema: schema } };
  try {
    const grammar = choiceText(toolChoice) === "" ? undefined : forcedCall(dialect, callable);
    if (grammar !== undefined) return { constraint: { grammar } };
    const parts = heldCalls(dialect, callable);
    return parts === undefined ? {} : { constraint: { parts } };
  } catch (error) {
    if (error instanceof UnheldSchema) return { warnings: [error.message] };
    throw error;
  }
}

/** @param isHeld - to the schema, which the model then need not know */
function messagesOf({ messages, schema }: ProviderCall, isHeld: boolean) {
  if (schema === undefined) return messages;
  return isHeld ? withShapePrompt(messages, schema) : withSchemaPrompt(messages, schema);
}

function refuseInRawPrompt({ tools, schema, options }: ProviderCall): void {
  const { maxSchemaRetries = 0 } = options;
  const misplaced =
    (tools.length > 0 && "tools") ||
    (schema !== undefined && maxSchemaRetries > 0 && "maxSchemaRetries") ||
    (options.reasoning !== undefined && "reasoning");
  if (misplaced === false) return;
  const message = `chatTemplate: false sends a text as it is, so ${misplaced} has no place; leave one of them out`;
  throw new InvalidRequestError(message, { provider: "mlx" });
}

/** A text that is sent as it is cannot ask for a schema; an answer can only be held to it. */
function notHeldInRawPrompt({ options }: ProviderCall, { constraintProblem }: ModelInfo): Error {
  const reason = constraintProblem ?? `ignoreEos: ${options.ignoreEos} leaves it no end`;
  const message = `chatTemplate: false sends a text as it is, so a schema can only be held to, which it cannot here: ${reason}`;
  return new UnsupportedFeatureError("structured_output", message, { provider: "mlx" });
}
