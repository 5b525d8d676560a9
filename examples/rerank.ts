/** The documents that answer a question best, by a model in this process, which is downloaded (90 MB). */
import { createLLM } from "abstractllm";

const documents = ["The bakery opens at six.", "A river flows to the sea.", "Streams end in the ocean."];
const llm = await createLLM("mlx", { model: process.env.RERANKER ?? "cross-encoder/ms-marco-MiniLM-L6-v2" });
const { results } = await llm.rerank("Where does water go?", documents, { topN: 2 });

for (const { score, document } of results) console.log(score.toFixed(3), document);
await llm.unload();
