/** Several models as one: the next one answers when one fails, and a service that is down is left alone for a while. */
import { createFallbackChain, createLLM, withCircuitBreaker } from "abstractllm";
import { model } from "./model.ts";

const remote = await createLLM("openai-compatible", {
  baseUrl: process.env.BASE_URL ?? "http://127.0.0.1:9/v1",
  model: process.env.MODEL ?? "any",
  maxRetries: 0,
});
await using llm = await createFallbackChain(
  [withCircuitBreaker(remote, { failureThreshold: 1 }), ["mlx", { model, maxTokens: 20, temperature: 0 }]],
  { onProviderChange: ({ from, to }) => console.log(`${from.provider} failed, ${to.provider} is asked`) },
);
for (const question of ["Name a colour.", "Name another one."]) {
  const { text, provider, warnings } = await llm.generate(question);
  console.log(`${provider}: ${text}`);
  for (const warning of warnings) console.log(`warning: ${warning}`);
}
