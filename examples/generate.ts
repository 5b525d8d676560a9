/** One prompt, one answer. */
import { createLLM } from "abstractllm";
import { model } from "./model.ts";

await using llm = await createLLM("mlx", { model, maxTokens: 40 });
const response = await llm.generate("Why is the sky blue?");

console.log(response.text);
console.log(response.usage, response.timings);
for (const warning of response.warnings) console.warn(`warning: ${warning}`);
