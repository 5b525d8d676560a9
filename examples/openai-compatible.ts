/** A server that speaks OpenAI's protocol: vLLM, SGLang, llama.cpp, LM Studio, mlx_lm.server … Its address is BASE_URL. */
import { createLLM } from "abstractllm";

const baseUrl = process.env.BASE_URL ?? "http://localhost:8000/v1";
const llm = await createLLM("openai-compatible", { baseUrl, apiKey: process.env.API_KEY });
const { text, model } = await llm.generate("Where do rivers go?", { maxTokens: 100 });
console.log(`${model}: ${text}`);
