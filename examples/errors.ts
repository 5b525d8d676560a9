/** Every failure has a class, a code for programs and a message that says what to do. */
import { AbstractLLMError, createLLM } from "abstractllm";
import { model } from "./model.ts";

const attempts: (() => Promise<unknown>)[] = [
  () => createLLM("mlkx"),
  () => createLLM("mlx", JSON.parse('{ "temprature": 1 }')), // the compiler would refuse it in code
  () => createLLM("mlx", { temperature: 3 }),
  async () => {
    await using llm = await createLLM("mlx", { model: "./not-there.gguf" });
    return llm.generate("Hello");
  },
  async () => {
    await using llm = await createLLM("mlx", { model });
    return llm.generate("Hello", { user: "me" });
  },
];

for (const attempt of attempts) {
  await attempt().catch((error) => {
    if (!AbstractLLMError.isInstance(error)) throw error;
    console.log(`${error.name} (${error.code})\n  ${error.message}\n`);
  });
}
