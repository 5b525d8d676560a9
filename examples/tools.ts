/** Tools: run within the call, approved first, and run by the caller. */
import { createLLM, type Message, tool } from "abstractllm";
import { model } from "./model.ts";

const add = tool({
  name: "add",
  description: "Adds two numbers",
  parameters: {
    type: "object",
    properties: { a: { type: "number" }, b: { type: "number" } },
    required: ["a", "b"],
  },
  execute: ({ a, b }) => a + b, // a and b are numbers: the schema says so
});

await using llm = await createLLM("mlx", { model, temperature: 0, maxTokens: 60 });

const stream = llm.stream("What is 12 + 30? Use the tool.", {
  tools: [add],
  maxSteps: 3,
  approveToolCall: ({ name, arguments: input }) => {
    console.log(`asks for ${name}(${JSON.stringify(input)})`);
    return true;
  },
});
for await (const part of stream) {
  if (part.type === "tool-result") console.log("result:", part.toolResult.output);
  if (part.type === "text-delta") process.stdout.write(part.text);
}
const { usage, finishReason } = await stream.response;
console.log(`\n(${finishReason}, ${usage.totalTokens} tokens)`);

// a conversation that goes on with a result from elsewhere
const messages: Message[] = [
  { role: "user", content: "What is 12 + 30?" },
  { role: "assistant", content: "", toolCalls: [{ id: "1", name: "add", arguments: { a: 12, b: 30 } }] },
  { role: "tool", toolCallId: "1", name: "add", content: "42" },
];
console.log((await llm.generate(messages, { tools: [add], toolChoice: "none" })).text);
