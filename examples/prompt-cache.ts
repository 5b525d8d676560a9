/** A prompt that another process has read already: run it twice. */
import { readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { createLLM } from "abstractllm";
import { model } from "./model.ts";

/** The folder that `PROMPTS` names; its files hold what was said. */
const promptCachePath = process.env.PROMPTS ?? join(tmpdir(), "abstractllm-prompts");
const guide = readFileSync(fileURLToPath(new URL("../docs/sessions.md", import.meta.url)), "utf8");

await using llm = await createLLM("mlx", { model, promptCachePath, temperature: 0, maxTokens: 30 });
const { text, usage, timings } = await llm.generate(`${guide}\n\nWhat is a session?`);
console.log(text);
console.log(`${usage.cachedInputTokens} of ${usage.inputTokens} tokens were known`);
console.log(`first token after ${Math.round(timings?.timeToFirstTokenMs ?? 0)} ms`);
