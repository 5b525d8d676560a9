/** The first model that can be had answers, and the response says so. */
import { createLLM } from "abstractllm";
import { model } from "./model.ts";

await using llm = await createLLM("mlx", {
  model: "./models/not-there.gguf",
  fallbackModels: [model],
  maxTokens: 20,
});
const response = await llm.generate("Name a colour.");
console.log(`${response.text}\n\nanswered by ${response.model}`);
for (const warning of response.warnings) console.log(`warning: ${warning}`);
