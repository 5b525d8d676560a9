/** A model of the hub, run by a service that Hugging Face routes to. Needs HF_TOKEN or a login. */
import { createLLM, findModelCapabilities } from "abstractllm";

const llm = await createLLM("huggingface", { baseUrl: process.env.BASE_URL });
const { text, model } = await llm.generate("Where do rivers go?", { maxTokens: 100 });
console.log(`${model}: ${text}`);

for (const { id, capabilities } of await llm.listModels()) {
  const { contextWindow, vision } = { ...findModelCapabilities(id), ...capabilities };
  console.log(`${id}: ${contextWindow ?? "?"} tokens${vision ? ", sees" : ""}`);
}
