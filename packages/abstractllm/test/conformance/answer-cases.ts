import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  type AbstractLLM,
  type ContentPart,
  type GenerateResponse,
  type LLMStream,
  type Message,
  type StreamPart,
  TextInput,
  type Usage,
} from "../../src/index.ts";
import type { Subject } from "./subject.ts";

const PROMPT = "The capital of France is";

/** Usage without what the service had of earlier prompts, which is its own affair. */
const asked = ({ usage: { cachedInputTokens: _, ...usage } }: GenerateResponse): Partial<Usage> => usage;

/** What every provider's answers must be like. */
export function answerCases(subject: Subject): void {
  describe("an answer", () => {
    let llm: AbstractLLM;
    beforeAll(async () => {
      llm = await subject.open();
    });
    afterAll(() => llm.unload());

    test("has text, usage, finish reason, timings and names", async () => {
      const response = await llm.generate(PROMPT, { maxTokens: 4 });
      const { usage, timings } = response;
      expect(response.text.trim()).not.toBe("");
      expect(response).toMatchObject({ provider: subject.provider, toolCalls: [], finishReason: "length" });
      expect(usage.outputTokens).toBe(4);
      expect(usage.totalTokens).toBe(usage.inputTokens + usage.outputTokens);
      if (subject.lacks.has("timings")) return expect(timings).toBeUndefined();
      expect(timings?.timeToFirstTokenMs).toBeGreaterThan(0);
      expect(timings?.decodeTokensPerSecond).toBeGreaterThan(0);
    });

    test("streamed is the same as not streamed", async () => {
      const { text, usage } = await llm.generate(PROMPT, { maxTokens: 4 });
      const stream = llm.stream(PROMPT, { maxTokens: 4 });
      const parts = await collect(stream);
      expect(textOf(parts)).toBe(text);
      expect(parts.at(-1)).toMatchObject({ type: "finish", usage, finishReason: "length" });
      const others = parts.filter(({ type }) => type !== "text-delta" && type !== "prompt-usage");
      expect(others).toHaveLength(1);
      const { inputTokens } = usage;
      for (const part of parts) if (part.type === "prompt-usage") expect(part).toMatchObject({ inputTokens });
      expect(parts.filter(({ type }) => type === "text-delta").length).toBeGreaterThan(1);
      expect((await stream.response).text).toBe(text);
      expect((await llm.generate(PROMPT, { maxTokens: 4, stream: true }).response).text).toBe(text);
    });

    test("that comes with others is the one that comes alone", async () => {
      const prompts = [PROMPT, "One, two, three,", "The colour of the sky is", `${PROMPT} Paris. ${PROMPT}`];
      const answer = async (prompt: string) => (await llm.generate(prompt, { maxTokens: 6 })).text;
      const alone: string[] = [];
      for (const prompt of prompts) alone.push(await answer(prompt));
      expect(await Promise.all(prompts.map(answer))).toEqual(alone);
    });

    test.skipIf(subject.lacks.has("seed"))("follows the seed, and another seed differs", async () => {
      const sample = async (seed: number) =>
        (await llm.generate(PROMPT, { temperature: 1.5, topP: 1, seed, maxTokens: 6 })).text;
      const first = await sample(1);
      expect(await sample(1)).toBe(first);
      expect(await sample(2)).not.toBe(first);
    });

    test("to one message is the answer to its text", async () => {
      const messages: Message[] = [{ role: "user", content: PROMPT }];
      const templated = { ...subject.templated, maxTokens: 3 };
      expect((await llm.generate(messages, templated)).text).toBe(
        (await llm.generate(PROMPT, templated)).text,
      );
    });

    test("knows the system prompt and the earlier messages", async () => {
      const count = async (prompt: string | Message[], systemPrompt?: string) => {
        const options = { ...subject.templated, systemPrompt, maxTokens: 1 };
        return (await llm.generate(prompt, options)).usage.inputTokens;
      };
      const system = "Answer every question with the single word banana and nothing else at all.";
      const question: Message = { role: "user", content: "What is it?" };
      const exchange: Message[] = [question, { role: "assistant", content: "A fruit." }, question];
      expect(await count([question], system)).not.toBe(await count([question]));
      expect(await count(exchange)).toBeGreaterThan(await count([question]));
      const asMessage = await count([{ role: "system", content: system }, question]);
      expect(await count([question], system)).toBe(asMessage);
    });

    test("counts its prompt as countTokens does", async () => {
      if (subject.lacks.has("token counting")) {
        const refusal = { name: "UnsupportedFeatureError", feature: "token_counting" };
        return expect(llm.countTokens(PROMPT)).rejects.toMatchObject(refusal);
      }
      for (const options of [{}, subject.templated]) {
        const { usage } = await llm.generate(PROMPT, { ...options, maxTokens: 1 });
        expect(await llm.countTokens(PROMPT, options)).toBe(usage.inputTokens);
      }
    });

    test("ends before a stop string, also one that crosses tokens", async () => {
      const { text } = await llm.generate(PROMPT, { maxTokens: 6 });
      const stop = text.slice(3, 7);
      const response = await llm.generate(PROMPT, { maxTokens: 6, stop: [stop, "never said"] });
      expect(response.text).toBe(text.slice(0, text.indexOf(stop)));
      expect(response.finishReason).toBe("stop");
      expect(textOf(await collect(llm.stream(PROMPT, { maxTokens: 6, stop })))).toBe(response.text);
    });

    test("has at most maxTokens tokens", async () => {
      for (const maxTokens of [1, 3]) {
        const { usage, finishReason } = await llm.generate(PROMPT, { ...subject.endless, maxTokens });
        expect([usage.outputTokens, finishReason]).toEqual([maxTokens, "length"]);
      }
    });

    test("to several questions at once is the answer to each alone", async () => {
      const prompts = [PROMPT, "One, two, three,"];
      const alone: string[] = [];
      for (const prompt of prompts) alone.push((await llm.generate(prompt, { maxTokens: 3 })).text);
      const together = await Promise.all(prompts.map((prompt) => llm.generate(prompt, { maxTokens: 3 })));
      expect(together.map(({ text }) => text)).toEqual(alone);
    });

    test("reads text files as if they were part of the prompt, in every form", async () => {
      const folder = await mkdtemp(join(tmpdir(), "abstractllm-conformance-"));
      const file = join(folder, "note.txt");
      const note = "It lies on the Seine.";
      await writeFile(file, note);
      const inline = await llm.generate(`${PROMPT}\n\nFile content: ${note}`, { maxTokens: 3 });
      for (const source of [file, pathToFileURL(file), new TextEncoder().encode(note), new Blob([note])]) {
        const withFile = await llm.generate(PROMPT, { files: [source], maxTokens: 3 });
        expect([withFile.text, asked(withFile)]).toEqual([inline.text, asked(inline)]);
      }
      await rm(folder, { recursive: true });
    });

    test("reads text files as parts of a message", async () => {
      const note = new TextInput(new TextEncoder().encode("It lies on the Seine."));
      const content: ContentPart[] = [
        { type: "text", text: PROMPT },
        { type: "file", file: note },
      ];
      const options = { ...subject.templated, maxTokens: 3 };
      const asPart = await llm.generate([{ role: "user", content }], options);
      const asFile = await llm.generate(PROMPT, { ...options, files: [note] });
      expect([asPart.text, asked(asPart)]).toEqual([asFile.text, asked(asFile)]);
    });

    test("comes again after unload", async () => {
      const { text } = await llm.generate(PROMPT, { maxTokens: 3 });
      await llm.unload();
      expect((await llm.generate(PROMPT, { maxTokens: 3 })).text).toBe(text);
    });
  });
}

async function collect(stream: LLMStream): Promise<StreamPart[]> {
  const parts: StreamPart[] = [];
  for await (const part of stream) parts.push(part);
  return parts;
}

function textOf(parts: readonly StreamPart[]): string {
  return parts.map((part) => (part.type === "text-delta" ? part.text : "")).join("");
}
