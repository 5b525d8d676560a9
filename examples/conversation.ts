/** A conversation is a list of messages; each answer becomes one of them. */
import { createLLM, type Message } from "abstractllm";
import { model } from "./model.ts";

await using llm = await createLLM("mlx", { model, maxTokens: 30, temperature: 0 });
const messages: Message[] = [{ role: "system", content: "Answer in one short sentence." }];

for (const question of ["What is the capital of France?", "And what river flows through it?"]) {
  messages.push({ role: "user", content: question });
  const { text } = await llm.generate(messages);
  messages.push({ role: "assistant", content: text });
  console.log(`> ${question}\n${text}\n`);
}
