import { type Behaviour, jsonAnswer, type WireAnswer } from "./http-service.ts";
import { answerAsToy, type ToyAnswer } from "./toy-model.ts";
import { wireLogprob } from "./wire-logprobs.ts";
import { countWords, ENDLESS_TOKENS } from "./word-model.ts";

const CREATED = "2025-06-15T12:00:00.123456Z";
/** A model whose template takes no tools. */
const PLAIN_MODEL = "tinytext:latest";
const MODELS = ["phi4-mini:latest", "llava:7b", "nomic-embed-text", PLAIN_MODEL];

interface OllamaBody {
  model: string;
  messages: { role: string; content: string; images?: string[] }[];
  stream?: boolean;
  format?: Record<string, unknown>;
  tools?: { function: { name: string; parameters: Record<string, unknown> } }[];
  think?: boolean | string;
  logprobs?: boolean;
  top_logprobs?: number;
  options?: { num_predict?: number; temperature?: number; seed?: number; stop?: string[] };
}

/** A server that speaks as Ollama does, over the toy model. */
export const ollamaService: Behaviour = (request) => {
  const { model = "" } = request.body as { model?: string };
  if (request.method === "POST" && !MODELS.includes(model)) {
    return jsonAnswer({ error: `model '${model}' not found` }, 404);
  }
  switch (`${request.method} ${request.path}`) {
    case "POST /api/chat":
      if (model === PLAIN_MODEL && "tools" in request.body) {
        return jsonAnswer({ error: `registry.ollama.ai/library/${model} does not support tools` }, 400);
      }
      return chat(request.body as unknown as OllamaBody);
    case "POST /api/generate":
      return jsonAnswer({ model, created_at: CREATED, response: "", done: true, done_reason: "load" });
    case "POST /api/embed": {
      const { input } = request.body as { input: string[] };
      const embeddings = input.map((text) => [text.length, 0.5, -1]);
      const prompt_eval_count = input.reduce((sum, text) => sum + countWords(text), 0);
      return jsonAnswer({ model, embeddings, total_duration: 14, load_duration: 1, prompt_eval_count });
    }
    case "GET /api/tags":
      return jsonAnswer({
        models: MODELS.map((name) => ({ name, model: name, modified_at: CREATED, size: 1, digest: "d" })),
      });
    default:
      return { status: 404, headers: { "content-type": "text/plain" }, body: ["404 page not found"] };
  }
};

function chat(body: OllamaBody): WireAnswer {
  const { messages, options = {} } = body;
  const last = messages.at(-1);
  const answer = answerAsToy({
    prompt: messages.map(({ role, content }) => `${role}: ${content}`).join("\n"),
    last: { role: last?.role ?? "", text: last?.content ?? "" },
    maxTokens: options.num_predict,
    temperature: options.temperature,
    seed: options.seed,
    stop: options.stop,
    tools: body.tools?.map((tool) => tool.function),
    schema: body.format,
  });
  const line = (message: object, rest: object = { done: false }) =>
    `${JSON.stringify({ model: body.model, created_at: CREATED, message: { role: "assistant", content: "", ...message }, ...rest })}\n`;
  const written = (field: "content" | "thinking", token: string) => {
    const logprobs = [wireLogprob(token, body.top_logprobs ?? 0)];
    return line({ [field]: token }, { done: false, ...(body.logprobs ? { logprobs } : {}) });
  };
  const calls = answer.toolCalls.map((call) => ({ function: call }));
  const wordCount = messages.reduce((sum, { content }) => sum + countWords(content), 0);
  const isEndless = answer.tokens.length === ENDLESS_TOKENS;
  const lines = [
    ...(body.think ? ["Let me ", "think."].map((token) => written("thinking", token)) : []),
    ...answer.tokens.map((token) => written("content", token)),
    ...(calls.length > 0 ? [line({ tool_calls: calls })] : []),
    line({}, figuresOf(answer)),
  ];
  return {
    status: 200,
    headers: { "content-type": "application/x-ndjson" },
    body: [
      ...(wordCount > 30 ? [{ pauseMs: 200 }] : []), // a long prompt takes its time
      ...lines.flatMap((text) => (isEndless ? [text, { pauseMs: 2 }] : [text])),
    ],
  };
}

function figuresOf({ inputTokens, tokens, toolCalls, reason }: ToyAnswer) {
  return {
    done_reason: reason,
    done: true,
    total_duration: 5_000_000_000,
    load_duration: 1_000_000_000,
    prompt_eval_count: inputTokens,
    prompt_eval_duration: 500_000_000,
    eval_count: tokens.length + toolCalls.length,
    eval_duration: 2_000_000_000,
  };
}
