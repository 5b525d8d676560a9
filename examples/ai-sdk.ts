/** A model in this process behind the AI SDK: text as it is written, a tool in several steps, a value of a schema. */
import { createAbstractLLM } from "@abstractllm/ai-sdk";
import { generateText, NoObjectGeneratedError, Output, stepCountIs, streamText, tool } from "ai";
import { z } from "zod";
import { model } from "./model.ts";

await using mlx = createAbstractLLM("mlx", { temperature: 0 });

const { textStream, usage } = streamText({
  model: mlx(model),
  prompt: "Why is the sky blue?",
  maxOutputTokens: 40,
});
for await (const text of textStream) process.stdout.write(text);
console.log(`\n(${(await usage).outputTokens} tokens)`);

const add = tool({
  description: "Adds two numbers",
  inputSchema: z.object({ a: z.int().max(99), b: z.int().max(99) }),
  execute: ({ a, b }) => a + b,
});
const { steps } = await generateText({
  model: mlx(model),
  prompt: "What is 12 + 30? Use the tool.",
  tools: { add },
  maxOutputTokens: 60,
  stopWhen: stepCountIs(2),
  prepareStep: ({ stepNumber }) => ({ toolChoice: stepNumber === 0 ? "required" : "auto" }),
});
for (const { toolResults, text } of steps)
  console.log(
    toolResults.map(({ output }) => output),
    text,
  );

const schema = z.object({ title: z.string().max(40), eggs: z.int().min(0).max(12) });
try {
  const { output } = await generateText({
    model: mlx(model),
    prompt: "A cake for four",
    output: Output.object({ schema }),
    providerOptions: { abstractllm: { repetitionPenalty: 1.1 } }, // what the AI SDK has no name for
  });
  console.log(`${output.title}: ${output.eggs} eggs`);
} catch (error) {
  if (!NoObjectGeneratedError.isInstance(error)) throw error;
  console.log(`does not fit the schema: ${error.text}`); // only where no grammar holds the model to it
}
