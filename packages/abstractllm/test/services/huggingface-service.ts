import { type Behaviour, jsonAnswer, type WireAnswer, type WireRequest } from "./http-service.ts";
import { openAIService } from "./openai-service.ts";

const CHAT_MODELS = ["openai/gpt-oss-20b", "Qwen/Qwen2.5-VL-7B-Instruct"];
const EMBEDDING_MODEL = "sentence-transformers/all-MiniLM-L6-v2";
/** A model whose vectors are those of its tokens. */
const TOKEN_MODEL = "facebook/bart-base";
const SERVICES = ["groq", "novita", "fastest"];
const FEATURES = /^\/hf-inference\/models\/(.+)\/pipeline\/feature-extraction$/;

/** Hugging Face's router: chat completions of several services, and its own feature extraction. */
export function huggingFaceService({ apiKey }: { apiKey: string }): Behaviour {
  const chat = openAIService({ models: CHAT_MODELS, apiKey });
  return (request) => {
    if (request.headers.authorization !== `Bearer ${apiKey}`) {
      return jsonAnswer({ error: "Invalid username or password." }, 401);
    }
    const embedder = FEATURES.exec(request.path)?.[1];
    if (embedder !== undefined) return extract(embedder, request);
    if (request.method === "GET" && request.path === "/v1/models") return list();
    const { model = "" } = request.body as { model?: string };
    const [name = "", service] = model.split(":");
    if (service !== undefined && !SERVICES.includes(service)) {
      const message = `The requested model '${name}' is not supported by provider '${service}'.`;
      const error = { message, type: "invalid_request_error", param: "model", code: "model_not_supported" };
      return jsonAnswer({ error }, 400);
    }
    return chat({ ...request, body: { ...request.body, model: name } });
  };
}

function extract(model: string, { body }: WireRequest): WireAnswer {
  const { inputs } = body as { inputs: string[] };
  const vectors = inputs.map((text) => [text.length, 0.5, -1]);
  if (model === EMBEDDING_MODEL) return jsonAnswer(vectors);
  if (model === TOKEN_MODEL) return jsonAnswer([vectors]);
  return jsonAnswer({ error: `Model ${model} does not exist` }, 404);
}

function list(): WireAnswer {
  const data = CHAT_MODELS.map((id) => ({
    id,
    object: "model",
    created: 1_754_000_000,
    owned_by: id.split("/")[0],
    architecture: {
      input_modalities: id.includes("VL") ? ["text", "image"] : ["text"],
      output_modalities: ["text"],
    },
    providers: [
      { provider: "groq", status: "live", context_length: 131_072, supports_tools: true },
      { provider: "novita", status: "live", context_length: 32_768, supports_structured_output: false },
      { provider: "hf-inference", status: "live" },
    ],
  }));
  return jsonAnswer({ object: "list", data });
}
