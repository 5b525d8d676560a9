/** Which text is nearest in meaning. Needs OPENAI_API_KEY. */
import { createLLM } from "abstractllm";

const texts = ["A river flows to the sea.", "The bakery opens at six.", "Streams end in the ocean."];
const llm = await createLLM("openai");
const { embeddings } = await llm.embed(["Where does water go?", ...texts]);
const [question = [], ...candidates] = embeddings;

const dot = (a: readonly number[], b: readonly number[]) =>
  a.reduce((sum, value, index) => sum + value * (b[index] ?? 0), 0);
const similarity = (vector: readonly number[]) =>
  dot(question, vector) / Math.sqrt(dot(question, question) * dot(vector, vector));

for (const [index, vector] of candidates.entries()) {
  console.log(similarity(vector).toFixed(3), texts[index]);
}
