/** A model alone and with a LoRA adapter, in memory once. */
import { fileURLToPath } from "node:url";
import { createLLM } from "abstractllm";
import { model } from "./model.ts";

/** The folder or repository that `ADAPTER` names, or random matrices beside SmolLM2's: it shows in what is said. */
const adapter =
  process.env.ADAPTER ??
  fileURLToPath(new URL("../packages/mlx/test/models/smollm2-adapter", import.meta.url));

await using llm = await createLLM("mlx", {
  model,
  adapters: { tuned: adapter },
  temperature: 0,
  maxTokens: 30,
});
const [base, tuned] = await Promise.all([
  llm.generate("Name three colors."),
  llm.generate("Name three colors.", { adapter: "tuned" }),
]);
console.log("alone:", base.text);
console.log("with the adapter:", tuned.text);
