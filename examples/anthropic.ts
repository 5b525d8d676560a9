/** Anthropic, with what the model thinks before it answers. Needs ANTHROPIC_API_KEY. */
import { createLLM } from "abstractllm";

const llm = await createLLM("anthropic", { model: "claude-haiku-5-5" });
const stream = llm.stream("Where do rivers go?", { systemPrompt: "Be brief.", reasoning: "low" });
for await (const part of stream) {
  if (part.type === "reasoning-delta") process.stderr.write(part.text);
  if (part.type === "text-delta") process.stdout.write(part.text);
}

const { usage, finishReason } = await stream.response;
console.log(`\n(${finishReason}, ${usage.outputTokens} tokens, ${usage.reasoningTokens} of them to think)`);
