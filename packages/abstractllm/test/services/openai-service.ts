import { type Behaviour, jsonAnswer, type WireAnswer, type WireRequest } from "./http-service.ts";
import { countResponseInput, createResponse } from "./openai-responses.ts";
import { answerAsToy, type ToyAnswer } from "./toy-model.ts";
import { wireLogprob } from "./wire-logprobs.ts";
import { countWords, ENDLESS_TOKENS } from "./word-model.ts";

const ID = "chatcmpl-AbC123";
const CREATED = 1_750_000_000;

/** How a server of this protocol behaves. */
export interface OpenAIServiceOptions {
  models: readonly string[];
  /** Without it, everybody is served. */
  apiKey?: string;
  /** Takes no tools, as vLLM unless it is started with a parser for them. */
  isWithoutTools?: boolean;
}

interface ChatBody {
  model: string;
  messages: { role: string; content: unknown }[];
  stream?: boolean;
  stream_options?: { include_usage?: boolean };
  max_tokens?: number;
  max_completion_tokens?: number;
  temperature?: number;
  seed?: number;
  stop?: string | string[];
  logprobs?: boolean;
  top_logprobs?: number;
  tools?: { function: { name: string; parameters: Record<string, unknown> } }[];
  tool_choice?: "auto" | "none" | "required" | { function: { name: string } };
  response_format?: { json_schema?: { schema: Record<string, unknown> } };
}

/** A server that speaks chat completions as OpenAI does, over the toy model. */
export function openAIService({ models, apiKey, isWithoutTools }: OpenAIServiceOptions): Behaviour {
  return (request) => {
    if (apiKey !== undefined && request.headers.authorization !== `Bearer ${apiKey}`) {
      return openAIError(401, "Incorrect API key provided.", "invalid_request_error", "invalid_api_key");
    }
    const { model } = request.body as { model?: string };
    if (request.method === "POST" && !models.includes(model ?? "")) {
      const message = `The model \`${model}\` does not exist or you do not have access to it.`;
      return openAIError(404, message, "invalid_request_error", "model_not_found");
    }
    if (isWithoutTools && "tools" in request.body) {
      const message =
        '"auto" tool choice requires --enable-auto-tool-choice and --tool-call-parser to be set';
      return jsonAnswer({ object: "error", message, type: "BadRequestError", param: null, code: 400 }, 400);
    }
    return serve(request, models);
  };
}

function serve(request: WireRequest, models: readonly string[]): WireAnswer {
  switch (`${request.method} ${request.path}`) {
    case "POST /v1/chat/completions":
      return completeChat(request.body as unknown as ChatBody);
    case "POST /v1/responses":
      return createResponse(request.body);
    case "POST /v1/responses/input_tokens":
      return countResponseInput(request.body);
    case "POST /v1/embeddings":
      return embed(request.body as unknown as EmbedBody);
    case "GET /v1/models": {
      const data = models.map((id) => ({ id, object: "model", created: CREATED, owned_by: "test" }));
      return jsonAnswer({ object: "list", data });
    }
    default:
      return openAIError(
        404,
        `Invalid URL (${request.method} ${request.path})`,
        "invalid_request_error",
        null,
      );
  }
}

/** An error as OpenAI writes it. */
function openAIError(status: number, message: string, type: string, code: string | null): WireAnswer {
  const error = { message, type, param: null, code };
  return jsonAnswer({ error }, status, { "x-request-id": "req_test" });
}

function completeChat(body: ChatBody): WireAnswer {
  const texts = body.messages.map(({ role, content }) => ({ role, text: textOf(content) }));
  const { tool_choice: choice } = body;
  const answer = answerAsToy({
    prompt: texts.map(({ role, text }) => `${role}: ${text}`).join("\n"),
    last: texts.at(-1) ?? { role: "", text: "" },
    maxTokens: body.max_completion_tokens ?? body.max_tokens,
    temperature: body.temperature,
    seed: body.seed,
    stop: typeof body.stop === "string" ? [body.stop] : body.stop,
    tools: body.tools?.map((tool) => tool.function),
    toolChoice: typeof choice === "object" ? choice.function : choice,
    schema: body.response_format?.json_schema?.schema,
  });
  const wordCount = texts.reduce((sum, { text }) => sum + countWords(text), 0);
  return body.stream === true ? streamChat(body, answer, wordCount) : wholeChat(body, answer);
}

const callsOf = ({ toolCalls }: ToyAnswer) =>
  toolCalls.map(({ name, arguments: input }, index) => ({
    index,
    id: `call_${index}_${CREATED}`,
    type: "function",
    function: { name, arguments: JSON.stringify(input) },
  }));

const finishOf = ({ toolCalls, reason }: ToyAnswer) => (toolCalls.length > 0 ? "tool_calls" : reason);

const logprobsOf = ({ logprobs, top_logprobs = 0 }: ChatBody, tokens: readonly string[]) =>
  logprobs === true && tokens.length > 0
    ? { content: tokens.map((token) => wireLogprob(token, top_logprobs)), refusal: null }
    : null;

function wholeChat(body: ChatBody, answer: ToyAnswer): WireAnswer {
  const calls = callsOf(answer).map(({ index: _, ...call }) => call);
  const message = {
    role: "assistant",
    content: answer.tokens.join("") || null,
    refusal: null,
    ...(calls.length > 0 ? { tool_calls: calls } : {}),
  };
  const logprobs = logprobsOf(body, answer.tokens);
  const choice = { index: 0, message, logprobs, finish_reason: finishOf(answer) };
  return jsonAnswer({
    id: ID,
    object: "chat.completion",
    created: CREATED,
    model: body.model,
    choices: [choice],
    usage: usageOf(answer),
  });
}

function streamChat(body: ChatBody, answer: ToyAnswer, wordCount: number): WireAnswer {
  const { model, stream_options } = body;
  const chunk = (delta: object, finish_reason: string | null = null, tokens: readonly string[] = []) => ({
    id: ID,
    object: "chat.completion.chunk",
    created: CREATED,
    model,
    service_tier: "default",
    system_fingerprint: "fp_test",
    choices: [{ index: 0, delta, logprobs: logprobsOf(body, tokens), finish_reason }],
    ...(stream_options?.include_usage ? { usage: null } : {}),
  });
  const chunks: object[] = [
    chunk({ role: "assistant", content: "", refusal: null }),
    ...answer.tokens.map((content) => chunk({ content }, null, [content])),
    ...callsOf(answer).flatMap((call) => callDeltas(call).map((delta) => chunk({ tool_calls: [delta] }))),
    chunk({}, finishOf(answer)),
  ];
  if (stream_options?.include_usage) chunks.push({ ...chunk({}), choices: [], usage: usageOf(answer) });
  const isEndless = answer.tokens.length === ENDLESS_TOKENS;
  const events = chunks.map((value) => `data: ${JSON.stringify(value)}\n\n`);
  return {
    status: 200,
    headers: { "content-type": "text/event-stream; charset=utf-8", "x-request-id": "req_test" },
    body: [
      ...(wordCount > 30 ? [{ pauseMs: 200 }] : []), // a long prompt takes its time
      ...events.flatMap((event) => (isEndless ? [event, { pauseMs: 2 }] : [event])),
      "data: [DONE]\n\n",
    ],
  };
}

/** A tool call in pieces: its name, then its arguments a few characters at a time. */
function callDeltas(call: ReturnType<typeof callsOf>[number]): object[] {
  const pieces = call.function.arguments.match(/.{1,5}/gsu) ?? [];
  return [
    { ...call, function: { ...call.function, arguments: "" } },
    ...pieces.map((piece) => ({ index: call.index, function: { arguments: piece } })),
  ];
}

interface EmbedBody {
  model: string;
  input: string | string[];
  dimensions?: number;
  encoding_format?: "float" | "base64";
}

function embed(body: EmbedBody): WireAnswer {
  const texts = typeof body.input === "string" ? [body.input] : body.input;
  const data = texts.map((text, index) => {
    const vector = Array.from({ length: body.dimensions ?? 4 }, (_, axis) => text.length / (axis + 1));
    const packed = Buffer.from(new Float32Array(vector).buffer).toString("base64");
    return { object: "embedding", index, embedding: body.encoding_format === "base64" ? packed : vector };
  });
  const prompt_tokens = texts.reduce((sum, text) => sum + countWords(text), 0);
  const usage = { prompt_tokens, total_tokens: prompt_tokens };
  return jsonAnswer({ object: "list", data: data.reverse(), model: body.model, usage });
}

function usageOf({ inputTokens, tokens, toolCalls }: ToyAnswer) {
  const outputTokens = tokens.length + toolCalls.length;
  return {
    prompt_tokens: inputTokens,
    completion_tokens: outputTokens,
    total_tokens: inputTokens + outputTokens,
    prompt_tokens_details: { cached_tokens: 0, audio_tokens: 0 },
    completion_tokens_details: { reasoning_tokens: 0, audio_tokens: 0 },
  };
}

function textOf(content: unknown): string {
  if (!Array.isArray(content)) return String(content ?? "");
  return content.map((part: { text?: string }) => part.text ?? "[image]").join("");
}
