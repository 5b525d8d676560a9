/** Files of several kinds as part of a prompt. */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createLLM, MediaFactory, TabularInput } from "abstractllm";
import { model } from "./model.ts";

const folder = await mkdtemp(join(tmpdir(), "abstractllm-example-"));
const [note, table] = [join(folder, "note.md"), join(folder, "cities.csv")];
await writeFile(note, "# Trip\n\nWe leave on Friday and come back on Sunday.\n");
await writeFile(table, "city;nights\nParis;2\nLyon;1\n");

// what a model reads of a table
console.log(await new TabularInput(table).text());

// the kind of a source is found out by its content
const media = await MediaFactory.fromSources([note, table, "data:,A%20remark."]);
for (const { name, mediaType, mimeType } of media) console.log(mediaType, mimeType ?? "", name);

await using llm = await createLLM("mlx", { model });
const { text } = await llm.generate("When do we come back? Answer in one sentence.", {
  files: [note, table],
  maxTokens: 40,
  temperature: 0,
});
console.log(text);

// the same as parts of a message, from memory
const count = await llm.countTokens([
  {
    role: "user",
    content: [
      { type: "text", text: "When do we come back?" },
      { type: "file", file: new TextEncoder().encode("We come back on Sunday.") },
    ],
  },
]);
console.log(`${count} tokens`);
await rm(folder, { recursive: true });
