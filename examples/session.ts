/** A session keeps the conversation; it can be forked, shortened, saved and loaded. */
import { mkdtemp } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createLLM, Session } from "abstractllm";
import { model } from "./model.ts";

await using llm = await createLLM("mlx", { model, maxTokens: 30, temperature: 0 });
const session = new Session(llm, {
  systemPrompt: "Answer in one short sentence.",
  maxInputTokens: 500,
  truncationStrategy: "rollingWindow",
});
console.log((await session.send("What is the capital of France?")).text);

const fork = session.fork();
const stream = fork.stream("What river flows through it?");
for await (const part of stream) if (part.type === "text-delta") process.stdout.write(part.text);
console.log(`\n${session.messages.length} messages here, ${fork.messages.length} in the fork`);

const path = join(await mkdtemp(join(tmpdir(), "session-")), "paris.json");
await fork.save(path);
const loaded = await Session.load(path, llm);
console.log(`${loaded.messages.length} messages loaded from ${path}`);
