import { jsonAnswer, type WireAnswer, type WireRequest } from "./http-service.ts";
import { answerWithWords, countWords, ENDLESS_TOKENS, type WordAnswer } from "./word-model.ts";

const MODELS = ["gpt-4o", "gpt-4o-mini", "gpt-5", "text-embedding-3-small"];
const ID = "chatcmpl-AbC123";
const CREATED = 1_750_000_000;

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
}

/** `/v1/chat/completions` as OpenAI speaks it, over the word model. */
export function openAIService(request: WireRequest): WireAnswer {
  if (request.headers.authorization !== "Bearer sk-test-canary-key") {
    return openAIError(401, "Incorrect API key provided.", "invalid_request_error", "invalid_api_key");
  }
  if (request.path === "/v1/chat/completions") return completeChat(request.body as unknown as ChatBody);
  return openAIError(404, `Invalid URL (${request.method} ${request.path})`, "invalid_request_error", null);
}

/** An error as OpenAI writes it. */
export function openAIError(
  status: number,
  message: string,
  type: string,
  code: string | null,
  headers: Record<string, string> = {},
): WireAnswer {
  const error = { message, type, param: null, code };
  return jsonAnswer({ error }, status, { "x-request-id": "req_test", ...headers });
}

function completeChat(body: ChatBody): WireAnswer {
  if (!MODELS.includes(body.model)) {
    const message = `The model \`${body.model}\` does not exist or you do not have access to it.`;
    return openAIError(404, message, "invalid_request_error", "model_not_found");
  }
  const prompt = body.messages.map(({ role, content }) => `${role}: ${textOf(content)}`).join("\n");
  const maxTokens = body.max_completion_tokens ?? body.max_tokens;
  const answer = answerWithWords({
    prompt,
    maxTokens,
    temperature: body.temperature,
    seed: body.seed,
    stop: typeof body.stop === "string" ? [body.stop] : body.stop,
  });
  return body.stream === true ? streamChat(body, answer, prompt) : wholeChat(body, answer);
}

function wholeChat({ model }: ChatBody, answer: WordAnswer): WireAnswer {
  const message = { role: "assistant", content: answer.tokens.join(""), refusal: null };
  const choice = { index: 0, message, logprobs: null, finish_reason: answer.reason };
  return jsonAnswer({
    id: ID,
    object: "chat.completion",
    created: CREATED,
    model,
    choices: [choice],
    usage: usageOf(answer),
  });
}

function streamChat({ model, stream_options }: ChatBody, answer: WordAnswer, prompt: string): WireAnswer {
  const chunk = (delta: object, finish_reason: string | null) => ({
    id: ID,
    object: "chat.completion.chunk",
    created: CREATED,
    model,
    service_tier: "default",
    system_fingerprint: "fp_test",
    choices: [{ index: 0, delta, logprobs: null, finish_reason }],
    ...(stream_options?.include_usage ? { usage: null } : {}),
  });
  const chunks: object[] = [
    chunk({ role: "assistant", content: "", refusal: null }, null),
    ...answer.tokens.map((content) => chunk({ content }, null)),
    chunk({}, answer.reason),
  ];
  if (stream_options?.include_usage) {
    chunks.push({ ...chunk({}, null), choices: [], usage: usageOf(answer) });
  }
  const isEndless = answer.tokens.length === ENDLESS_TOKENS;
  const events = chunks.map((value) => `data: ${JSON.stringify(value)}\n\n`);
  return {
    status: 200,
    headers: { "content-type": "text/event-stream; charset=utf-8", "x-request-id": "req_test" },
    body: [
      ...(countWords(prompt) > 30 ? [{ pauseMs: 200 }] : []), // a long prompt takes its time
      ...events.flatMap((event) => (isEndless ? [event, { pauseMs: 2 }] : [event])),
      "data: [DONE]\n\n",
    ],
  };
}

function usageOf({ inputTokens, tokens }: WordAnswer) {
  return {
    prompt_tokens: inputTokens,
    completion_tokens: tokens.length,
    total_tokens: inputTokens + tokens.length,
    prompt_tokens_details: { cached_tokens: 0, audio_tokens: 0 },
    completion_tokens_details: { reasoning_tokens: 0, audio_tokens: 0 },
  };
}

function textOf(content: unknown): string {
  if (!Array.isArray(content)) return String(content);
  return content.map((part: { text?: string }) => part.text ?? "[image]").join("");
}
