/** Three ways to stop an answer; the model is ready for the next question at once. */
import { createLLM, RequestTimeoutError } from "abstractllm";
import { model } from "./model.ts";

await using llm = await createLLM("mlx", { model, temperature: 0 });

let parts = 0;
for await (const part of llm.stream("Count to one thousand"))
  if (part.type === "text-delta" && ++parts === 3) break;
console.log(`left the loop after ${parts} parts`);

const controller = new AbortController();
const answer = llm.generate("Count to one thousand", { signal: controller.signal });
controller.abort();
await answer.catch((error) => console.log(`aborted: ${error.name}`));

await llm.generate("Count to one thousand", { timeout: 20 }).catch((error) => {
  if (!RequestTimeoutError.isInstance(error)) throw error;
  console.log(error.message);
});
