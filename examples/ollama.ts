/** A model that Ollama runs; what to do when it does not. */
import { createLLM, ModelNotFoundError, ProviderConnectionError } from "abstractllm";

const llm = await createLLM("ollama", { model: process.env.MODEL ?? "phi4-mini:latest" });
try {
  const { text, timings } = await llm.generate("Where do rivers go?", {
    maxTokens: 100,
    contextWindow: 8192,
  });
  console.log(text, `(${timings?.decodeTokensPerSecond.toFixed(1)} tokens/s)`);
} catch (error) {
  const isKnown = ModelNotFoundError.isInstance(error) || ProviderConnectionError.isInstance(error);
  if (!isKnown) throw error;
  console.log(error.message); // "… Get it first: ollama pull phi4-mini:latest"
}
