/** Text as it is written. */
import { createLLM } from "abstractllm";
import { model } from "./model.ts";

await using llm = await createLLM("mlx", { model });
const stream = llm.stream("Tell me a story", {
  systemPrompt: "Be brief.",
  maxTokens: 40,
  temperature: 0.2,
  seed: 1,
});
for await (const part of stream) if (part.type === "text-delta") process.stdout.write(part.text);

const { finishReason, usage } = await stream.response; // rejects when the stream ended with an error
console.log(`\n(${finishReason} after ${usage.outputTokens} tokens)`);
