/** OpenAI, or anything at OPENAI_BASE_URL that speaks as it does. Needs OPENAI_API_KEY. */
import { createLLM } from "abstractllm";

const llm = await createLLM("openai", { model: "gpt-4o" });
const stream = llm.stream("Where do rivers go?", { systemPrompt: "Be brief.", maxTokens: 100 });
for await (const part of stream) if (part.type === "text-delta") process.stdout.write(part.text);

const { usage, finishReason } = await stream.response;
console.log(`\n(${finishReason}, ${usage.inputTokens} tokens in, ${usage.outputTokens} out)`);
