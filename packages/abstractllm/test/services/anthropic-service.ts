import { type Behaviour, jsonAnswer, type WireAnswer } from "./http-service.ts";
import { answerAsToy, type ToyAnswer } from "./toy-model.ts";
import { countWords, ENDLESS_TOKENS } from "./word-model.ts";

const HEADERS = { "request-id": "req_test" };
/** Models of the newest kind: they think unasked, and sample by themselves. */
const NEWEST: readonly string[] = ["claude-haiku-5-5", "claude-opus-5-5"];
const MODELS: readonly string[] = ["claude-haiku-4-5", "claude-3-5-haiku-20241022", ...NEWEST];
const FIELDS =
  "model max_tokens messages system stream temperature top_p top_k stop_sequences metadata tools tool_choice thinking output_config cache_control".split(
    " ",
  );
const THOUGHT = ["Let me ", "think."];
const SIGNATURE = "EqQBCgIYAhIM";

interface Block {
  type: string;
  text?: string;
  id?: string;
  name?: string;
  signature?: string;
  tool_use_id?: string;
  content?: string;
}

interface MessagesBody {
  model: string;
  max_tokens?: number;
  messages: { role: string; content: string | Block[] }[];
  system?: string;
  stream?: boolean;
  temperature?: number;
  top_p?: number;
  top_k?: number;
  stop_sequences?: string[];
  tools?: { name: string; input_schema: Record<string, unknown> }[];
  tool_choice?: { type: "auto" | "any" | "none" } | { type: "tool"; name: string };
  thinking?: { type: string; budget_tokens?: number; display?: string };
  cache_control?: { type: string; ttl?: string };
  output_config?: { effort?: string; format?: { schema: Record<string, unknown> } };
}

/** A server that speaks the messages API as Anthropic does, over the toy model, and refuses what Anthropic refuses. */
export function anthropicService({ apiKey }: { apiKey: string }): Behaviour {
  return ({ method, path, query, headers, body }) => {
    const key = headers["x-api-key"] ?? headers.authorization?.replace(/^Bearer /, ""); // its own client takes the latter
    if (key !== apiKey) return anthropicError(401, "authentication_error", "invalid x-api-key");
    const version = headers["anthropic-version"];
    if (version !== "2023-06-01" && version !== "2026-10-21")
      return invalid("anthropic-version: header is required");
    if (method === "GET" && path === "/v1/models") return listModels(query);
    const request = body as unknown as MessagesBody;
    const isCount = path === "/v1/messages/count_tokens";
    if (method !== "POST" || (path !== "/v1/messages" && !isCount)) {
      return anthropicError(404, "not_found_error", "Not Found");
    }
    if (!MODELS.includes(request.model))
      return anthropicError(404, "not_found_error", `model: ${request.model}`);
    const problem = problemOf(request, isCount);
    if (problem !== undefined) return invalid(problem);
    const texts = textsOf(request);
    if (isCount) return jsonAnswer({ input_tokens: countWords(promptOf(texts)) }, 200, HEADERS);
    return answer(request, texts);
  };
}

/** Three models a page, whatever the limit, so that clients must turn pages. */
function listModels(query: URLSearchParams): WireAnswer {
  const start = MODELS.indexOf(query.get("after_id") ?? "") + 1;
  const names = MODELS.slice(start, start + 3);
  const data = names.map((id) => ({
    type: "model",
    id,
    display_name: id,
    created_at: id === "claude-opus-5-5" ? "1970-01-01T00:00:00Z" : "2026-09-01T00:00:00Z",
    max_input_tokens: NEWEST.includes(id) ? 1_000_000 : 200_000,
    max_tokens: null,
    capabilities: {
      image_input: { supported: true },
      structured_outputs: { supported: NEWEST.includes(id) },
    },
  }));
  const has_more = start + 3 < MODELS.length;
  return jsonAnswer({ data, has_more, first_id: names[0], last_id: names.at(-1) }, 200, HEADERS);
}

/** An error as Anthropic writes it. */
export function anthropicError(
  status: number,
  type: string,
  message: string,
  headers: Record<string, string> = HEADERS,
): WireAnswer {
  return jsonAnswer({ type: "error", error: { type, message }, request_id: "req_test" }, status, headers);
}

const invalid = (message: string) => anthropicError(400, "invalid_request_error", message);

/** What Anthropic would refuse a request for. */
function problemOf(body: MessagesBody, isCount: boolean): string | undefined {
  const { model, thinking, tool_choice, messages, max_tokens } = body;
  const unknown = Object.keys(body).find((name) => !FIELDS.includes(name));
  if (unknown !== undefined) return `${unknown}: Extra inputs are not permitted`;
  if (max_tokens === undefined && !isCount) return "max_tokens: Field required";
  const sampling = ["temperature", "top_p", "top_k"].find((name) => name in body);
  if (NEWEST.includes(model) && sampling !== undefined) return `${sampling}: not supported for this model`;
  const thinkingProblem = problemOfThinking(body);
  if (thinkingProblem !== undefined) return thinkingProblem;
  const mustCall = tool_choice?.type === "any" || tool_choice?.type === "tool";
  const isThinking = thinks(body) && thinking?.type !== "disabled";
  if (mustCall && isThinking) return "Thinking may not be enabled when tool_choice forces tool use.";
  return problemOfMessages(messages) ?? problemOfSchema(body.output_config?.format?.schema);
}

function problemOfThinking({ model, thinking, max_tokens = Number.POSITIVE_INFINITY }: MessagesBody) {
  const isNewest = NEWEST.includes(model);
  if (thinking === undefined) return undefined;
  const { type, budget_tokens = 0 } = thinking;
  const refused = isNewest ? "enabled" : "adaptive";
  if (type === refused) return `"thinking.type.${type}" is not supported for this model.`;
  if (type === "disabled" && model === "claude-opus-5-5") {
    return '"thinking.type.disabled" is not supported for this model.';
  }
  if (type !== "enabled") return undefined;
  if (budget_tokens < 1024) return "thinking.budget_tokens: Input should be greater than or equal to 1024";
  return max_tokens > budget_tokens
    ? undefined
    : "`max_tokens` must be greater than `thinking.budget_tokens`.";
}

function problemOfMessages(messages: MessagesBody["messages"]): string | undefined {
  let open: readonly (string | undefined)[] = [];
  for (const [at, { role, content }] of messages.entries()) {
    const blocks = typeof content === "string" ? [{ type: "text", text: content }] : content;
    if (blocks.some(({ type, text = "" }) => type === "text" && text.trim() === "")) {
      return "messages: text content blocks must contain non-whitespace text";
    }
    const results = blocks.filter(({ type }) => type === "tool_result").map(({ tool_use_id }) => tool_use_id);
    if (open.some((id) => !results.includes(id))) {
      return `messages.${at}: \`tool_use\` ids were found without \`tool_result\` blocks immediately after`;
    }
    if (results.some((id) => !open.includes(id))) return `messages.${at}: unexpected \`tool_use_id\` found`;
    if (blocks.some(({ type, signature }) => type === "thinking" && signature !== SIGNATURE)) {
      return `messages.${at}: Invalid \`signature\` in \`thinking\` block`;
    }
    if (at === messages.length - 1 && role === "assistant" && /\s$/.test(blocks.at(-1)?.text ?? "")) {
      return "messages: final assistant content cannot end with trailing whitespace";
    }
    open = blocks.filter(({ type }) => type === "tool_use").map(({ id }) => id);
  }
  return messages[0]?.role === "assistant" ? "messages: first message must use the user role" : undefined;
}

function problemOfSchema(schema: unknown): string | undefined {
  if (typeof schema !== "object" || schema === null) return undefined;
  const { type, additionalProperties, maximum, pattern } = schema as Record<string, unknown>;
  if (type === "object" && additionalProperties !== false) {
    return "output_config.format.schema: For 'object' type, 'additionalProperties' must be explicitly set to false";
  }
  if (maximum !== undefined || pattern !== undefined) return "output_config.format.schema: not supported";
  return Object.values(schema).map(problemOfSchema).find(Boolean);
}

const thinks = ({ model, thinking }: MessagesBody) =>
  thinking === undefined ? NEWEST.includes(model) : thinking.type !== "disabled";

function textsOf({ system, messages }: MessagesBody): { role: string; text: string }[] {
  const said = messages.map(({ role, content }) => {
    const blocks = typeof content === "string" ? [{ type: "text", text: content } as Block] : content;
    const isResult = blocks.at(-1)?.type === "tool_result";
    return { role: isResult ? "tool" : role, text: blocks.map(textOf).join("") };
  });
  return system === undefined ? said : [{ role: "system", text: system }, ...said];
}

function textOf({ type, text, content, name }: Block): string {
  if (type === "image") return "[image]";
  return type === "thinking" ? "" : (text ?? content ?? name ?? "");
}

const promptOf = (texts: readonly { role: string; text: string }[]) =>
  texts.map(({ role, text }) => `${role}: ${text}`).join("\n");

function answer(body: MessagesBody, texts: readonly { role: string; text: string }[]): WireAnswer {
  const { tool_choice } = body;
  const choices = { auto: "auto", any: "required", none: "none" } as const;
  const toy = answerAsToy({
    prompt: promptOf(texts),
    last: texts.at(-1) ?? { role: "", text: "" },
    maxTokens: body.max_tokens,
    temperature: body.temperature,
    stop: body.stop_sequences,
    tools: body.tools?.map(({ name, input_schema }) => ({ name, parameters: input_schema })),
    toolChoice: tool_choice?.type === "tool" ? tool_choice : choices[tool_choice?.type ?? "auto"],
    schema: body.output_config?.format?.schema,
  });
  const content = contentOf(body, toy);
  const message = {
    id: "msg_1",
    type: "message",
    role: "assistant",
    model: body.model,
    content,
    stop_reason: toy.toolCalls.length > 0 ? "tool_use" : toy.reason === "length" ? "max_tokens" : "end_turn",
    stop_sequence: null,
    usage: usageOf(toy, content, body.cache_control !== undefined),
  };
  if (body.stream !== true) return jsonAnswer(message, 200, HEADERS);
  return streamMessage(message, toy, countWords(promptOf(texts)));
}

type WireBlock = { type: string } & Record<string, unknown>;

function contentOf(body: MessagesBody, toy: ToyAnswer): WireBlock[] {
  const isShown = body.thinking?.type === "enabled" || body.thinking?.display === "summarized";
  const thought = { type: "thinking", thinking: isShown ? THOUGHT.join("") : "", signature: SIGNATURE };
  const text = { type: "text", text: toy.tokens.join("") };
  const calls = toy.toolCalls.map(({ name, arguments: input }, at) => {
    return { type: "tool_use", id: `toolu_${at}_${body.messages.length}`, name, input };
  });
  return [...(thinks(body) ? [thought] : []), ...(toy.tokens.length > 0 ? [text] : []), ...calls];
}

/** A tenth of the prompt was in the cache, as far as this server is concerned; what is to be kept is written there. */
function usageOf(
  { inputTokens, tokens, toolCalls }: ToyAnswer,
  content: readonly WireBlock[],
  isKept: boolean,
) {
  const thinking_tokens = content.some(({ type }) => type === "thinking") ? THOUGHT.length : 0;
  const cache_read_input_tokens = Math.floor(inputTokens / 10);
  const rest = inputTokens - cache_read_input_tokens;
  return {
    input_tokens: isKept ? 0 : rest,
    cache_creation_input_tokens: isKept ? rest : 0,
    cache_read_input_tokens,
    output_tokens: tokens.length + toolCalls.length + thinking_tokens,
    output_tokens_details: { thinking_tokens },
    service_tier: "standard",
  };
}

type Message = { content: WireBlock[]; stop_reason: string; usage: ReturnType<typeof usageOf> };

/** The events of a message: one text or piece of JSON a step, what stands around them with the next or the last. */
function streamMessage(message: Message, { tokens }: ToyAnswer, wordCount: number): WireAnswer {
  const event = (type: string, fields: object) =>
    `event: ${type}\ndata: ${JSON.stringify({ type, ...fields })}\n\n`;
  const { content, stop_reason, usage } = message;
  const begun = { ...message, content: [], stop_reason: null, usage: { ...usage, output_tokens: 1 } };
  const steps: string[] = [];
  let before = event("message_start", { message: begun });
  for (const [index, block] of content.entries()) {
    before += event("content_block_start", { index, content_block: emptied(block) }) + event("ping", {});
    for (const delta of deltasOf(block, tokens)) {
      steps.push(before + event("content_block_delta", { index, delta }));
      before = "";
    }
    before += event("content_block_stop", { index });
  }
  const { input_tokens: _, ...counted } = usage;
  const end = event("message_delta", { delta: { stop_reason, stop_sequence: null }, usage: counted });
  const isEndless = tokens.length === ENDLESS_TOKENS;
  return {
    status: 200,
    headers: { "content-type": "text/event-stream; charset=utf-8", ...HEADERS },
    body: [
      ...(wordCount > 30 ? [{ pauseMs: 200 }] : []), // a long prompt takes its time
      ...steps.flatMap((step) => (isEndless ? [step, { pauseMs: 2 }] : [step])),
      before + end + event("message_stop", {}),
    ],
  };
}

function emptied(block: WireBlock): WireBlock {
  if (block.type === "tool_use") return { ...block, input: {} };
  return block.type === "thinking" ? { ...block, thinking: "", signature: "" } : { ...block, text: "" };
}

function deltasOf(block: WireBlock, tokens: readonly string[]): WireBlock[] {
  if (block.type === "text") return tokens.map((text) => ({ type: "text_delta", text }));
  if (block.type === "tool_use") {
    const pieces = JSON.stringify(block.input).match(/.{1,5}/gsu) ?? [];
    return ["", ...pieces].map((partial_json) => ({ type: "input_json_delta", partial_json }));
  }
  const thoughts = block.thinking === "" ? [] : THOUGHT;
  return [
    ...thoughts.map((thinking) => ({ type: "thinking_delta", thinking })),
    { type: "signature_delta", signature: SIGNATURE },
  ];
}
