import { readFileSync } from "node:fs";
import { createAbstractLLM, toLanguageModel, toRerankingModel } from "@abstractllm/ai-sdk";
import { createFallbackChain, createLLM } from "abstractllm";
import { afterAll, describe, expect, test } from "vitest";
import { z } from "zod";
import type { AISDK } from "../support/ai-sdks.ts";
import { grammarProblem } from "../support/grammar-problem.ts";
import { FIGURES_GOLDEN, FIGURES_MODEL, SETUP_MODEL, TINY_RERANKER } from "../support/models.ts";

const PROMPT = "Which is the capital of France?";
const SHORT = { prompt: PROMPT, temperature: 0, maxOutputTokens: 12 } as const;
const Person = z.object({ name: z.string().max(12), age: z.int().min(0).max(99) });

interface Drawing {
  readonly question: string;
  readonly answer: string;
  readonly png: string;
}
const { drawings }: { drawings: Drawing[] } = JSON.parse(readFileSync(FIGURES_GOLDEN, "utf8"));

const { query, documents }: { query: string; documents: string[] } = JSON.parse(
  readFileSync(`${TINY_RERANKER}/expected.json`, "utf8"),
);

/** What the AI SDK must give over models of the engine. @param ai - the AI SDK */
export function engineCases(ai: AISDK): void {
  const { generateText, streamText, Output, NoObjectGeneratedError, stepCountIs, tool } = ai;
  const mlx = createAbstractLLM("mlx", { quantize: false });
  const model = mlx(SETUP_MODEL);
  afterAll(() => mlx.close());

  describe("an answer", () => {
    test("is what the model itself gives, whole and streamed", async () => {
      await using llm = await createLLM("mlx", { model: SETUP_MODEL, temperature: 0, maxTokens: 12 });
      const expected = await llm.generate(PROMPT);
      const whole = await generateText({ model, ...SHORT });
      const stream = streamText({ model, ...SHORT });
      expect([whole.text, await stream.text]).toEqual([expected.text, expected.text]);
      expect([whole.finishReason, whole.rawFinishReason]).toEqual([
        expected.finishReason,
        expected.rawFinishReason,
      ]);
      expect(await stream.finishReason).toBe(expected.finishReason);
      const { inputTokens, outputTokens } = expected.usage;
      expect(whole.usage).toMatchObject({ inputTokens, outputTokens });
      expect(await stream.usage).toMatchObject({ inputTokens, outputTokens });
      expect((await stream.response).modelId).toBe(SETUP_MODEL);
      expect(whole.providerMetadata?.abstractllm?.timings).toMatchObject({ totalMs: expect.any(Number) });
    });

    test("comes as it is written, in one block of text", async () => {
      const types: string[] = [];
      for await (const { type } of streamText({ model, ...SHORT }).fullStream) types.push(type);
      const deltas = types.filter((type) => type === "text-delta");
      expect(deltas.length).toBeGreaterThan(3);
      const block = ["text-start", ...deltas, "text-end"];
      expect(types).toEqual(["start", "start-step", ...block, "finish-step", "finish"]);
    });

    test("follows seed, stop sequences and the options that the AI SDK has no name for", async () => {
      const warm = { ...SHORT, temperature: 1.5, topP: 1, topK: 50, maxOutputTokens: 20 };
      const texts = await Promise.all(
        [1, 1, 2].map(async (seed) => (await generateText({ model, ...warm, seed })).text),
      );
      expect(texts[0]).toBe(texts[1]);
      expect(texts[2]).not.toBe(texts[0]);
      const { text } = await generateText({ model, ...SHORT });
      const [first = "", second = ""] = text.split(/(?<= )/);
      const stopped = await generateText({ model, ...SHORT, stopSequences: [second] });
      expect([stopped.text, stopped.finishReason]).toEqual([first, "stop"]);
      const likeliest = { abstractllm: { minP: 1 } }; // leaves one token, whatever the temperature
      const cold = await generateText({ model, ...warm, maxOutputTokens: 12, providerOptions: likeliest });
      expect(cold.text).toBe(text);
    });

    test("has log probabilities of its tokens and of the prompt's, where they are asked for", async () => {
      await using llm = await createLLM("mlx", { model: SETUP_MODEL, temperature: 0, maxTokens: 12 });
      const options = { logprobs: 1, promptLogprobs: true } as const;
      const expected = await llm.generate(PROMPT, options);
      const { providerMetadata } = await generateText({
        ...{ model, ...SHORT },
        providerOptions: { abstractllm: options },
      });
      const told = providerMetadata?.abstractllm as typeof expected | undefined;
      for (const name of ["logprobs", "promptLogprobs"] as const) {
        expect(expected[name]?.length).toBeGreaterThan(3);
        expect(told?.[name]?.map(({ token }) => token)).toEqual(expected[name]?.map(({ token }) => token));
      }
      expect(told?.logprobs?.[0]?.topLogprobs).toHaveLength(1);
    });

    test("to several calls at once is each call's own", async () => {
      const prompts = ["Count to ten.", "Name a river.", PROMPT];
      const ask = async (prompt: string) => (await generateText({ model, ...SHORT, prompt })).text;
      const together = await Promise.all(prompts.map(ask));
      const alone: string[] = [];
      for (const prompt of prompts) alone.push(await ask(prompt));
      expect(together).toEqual(alone);
    });

    test("ends when it is aborted, and leaves the next one whole", async () => {
      const controller = new AbortController();
      const parts: string[] = [];
      const endless = { abstractllm: { ignoreEos: true } };
      const { signal: abortSignal } = controller;
      const long = { ...SHORT, maxOutputTokens: 4000, providerOptions: endless, abortSignal };
      for await (const { type } of streamText({ model, ...long }).fullStream) {
        parts.push(type);
        if (type === "text-delta") controller.abort();
      }
      expect(parts.at(-1)).toBe("abort");
      expect(parts.filter((type) => type === "text-delta").length).toBeLessThan(100);
      const aborted = generateText({ model, ...SHORT, abortSignal: AbortSignal.abort() });
      await expect(aborted).rejects.toMatchObject({ name: "AbortError" });
      expect((await generateText({ model, ...SHORT })).text).not.toBe("");
    });
  });

  describe.skipIf(grammarProblem !== undefined)(`a schema${grammarProblem ?? ""}`, () => {
    const output = Output.object({ schema: Person, name: "person", description: "Somebody" });

    test("is held to, and grows in a stream", async () => {
      const asked = { model, prompt: "Describe a person.", output };
      const whole = await generateText({ ...asked, temperature: 1, seed: 1 });
      expect(Person.safeParse(whole.output).error).toBeUndefined();
      const stream = streamText({ ...asked, temperature: 0 });
      const partial: object[] = [];
      for await (const object of stream.partialOutputStream) partial.push(object);
      expect(partial.length).toBeGreaterThan(2);
      expect(partial.at(-1)).toEqual(await stream.output);
    });

    test("that the answer is too short for is the AI SDK's own error, with the text", async () => {
      const cut = { model, prompt: "Describe a person.", temperature: 0, maxOutputTokens: 4, output };
      const error = await generateText(cut).then(
        ({ output: object }) => object,
        (reason) => reason,
      );
      expect(NoObjectGeneratedError.isInstance(error)).toBe(true);
      expect(error).toMatchObject({ finishReason: "length", usage: { outputTokens: 4 } });
      expect(error.text).toMatch(/^\{ ?"name"/);
      const stream = streamText(cut);
      await stream.consumeStream();
      expect(await stream.text).toBe(error.text);
    });

    test("of a tool is held to where the model must call it, and its result goes back", async () => {
      const results: unknown[] = [];
      const add = tool({
        description: "Adds two numbers",
        inputSchema: z.object({ a: z.int().min(0).max(99), b: z.int().min(0).max(99) }),
        execute: ({ a, b }) => {
          results.push(a + b);
          return a + b;
        },
      });
      const prompt = "What is 12 + 30?";
      const { steps, text } = await generateText({
        model,
        prompt,
        tools: { add },
        temperature: 0,
        maxOutputTokens: 40,
        stopWhen: stepCountIs(2),
        prepareStep: ({ stepNumber }) => ({ toolChoice: stepNumber === 0 ? "required" : "none" }),
      });
      expect(steps.map(({ finishReason }) => finishReason)[0]).toBe("tool-calls");
      expect(steps[0]?.toolResults.map(({ output: sum }) => sum)).toEqual(results);
      expect(results).toHaveLength(1);
      expect(steps).toHaveLength(2);
      expect(text).not.toBe("");
      const { usage } = await generateText({ model, prompt, maxOutputTokens: 1 });
      expect(steps[1]?.usage.inputTokens).toBeGreaterThan((usage.inputTokens ?? 0) + 20);
    });
  });

  describe("a picture", () => {
    const figures = mlx(FIGURES_MODEL);
    const asked = (content: string | Uint8Array, question: string) => ({
      temperature: 0,
      maxOutputTokens: 20,
      messages: [
        {
          role: "user" as const,
          content: [
            { type: "text" as const, text: question },
            { type: "file" as const, data: content, mediaType: "image/png" },
          ],
        },
      ],
    });

    test.each(drawings.slice(0, 2))(
      "is seen, as base64 and as bytes: $question",
      async ({ png, question, answer }) => {
        const ways = [png, new Uint8Array(Buffer.from(png, "base64")), `data:image/png;base64,${png}`];
        const texts = ways.map(
          async (way) => (await generateText({ model: figures, ...asked(way, question) })).text,
        );
        expect(await Promise.all(texts)).toEqual([answer, answer, answer]);
      },
    );

    test("is refused by a model that does not see", async () => {
      const seen = generateText({ model, ...asked(drawings[0]?.png ?? "", "What is this?") });
      await expect(seen).rejects.toMatchObject({
        name: "AI_UnsupportedFunctionalityError",
        functionality: "vision",
        cause: { name: "UnsupportedFeatureError" },
      });
    });
  });

  describe("a model", () => {
    test("that is not there is an error when it is used, not before", async () => {
      const none = mlx("/none/such.gguf");
      await expect(generateText({ model: none, prompt: "Hi" })).rejects.toMatchObject({
        name: "AI_NoSuchModelError",
        modelId: "/none/such.gguf",
      });
    });

    test("refuses what it cannot do, by the names of the AI SDK", async () => {
      await expect(generateText({ model, prompt: "Hi", temperature: 3 })).rejects.toMatchObject({
        name: "AI_InvalidArgumentError",
        argument: "temperature",
      });
      const misspelt = { abstractllm: { minp: 1 } };
      await expect(generateText({ model, prompt: "Hi", providerOptions: misspelt })).rejects.toMatchObject({
        name: "AI_InvalidArgumentError",
        message: expect.stringContaining("minP"),
      });
      await expect(ai.embed({ model: mlx.embeddingModel(SETUP_MODEL), value: "Hi" })).rejects.toMatchObject({
        name: "AI_UnsupportedFunctionalityError",
      });
    });

    test("answers again after its provider was closed", async () => {
      await using other = createAbstractLLM("mlx", { temperature: 0, maxTokens: 3 });
      const ask = () => generateText({ model: other(SETUP_MODEL), prompt: PROMPT });
      const { text, usage } = await ask();
      expect(usage.outputTokens).toBe(3);
      await other.close();
      expect((await ask()).text).toBe(text);
    });

    test("may be a chain of several", async () => {
      const settings = { model: SETUP_MODEL, temperature: 0, maxTokens: 12 };
      await using chain = await createFallbackChain([
        ["mlx", { ...settings, model: "/none/such.gguf" }],
        ["mlx", settings],
      ]);
      const { text, warnings } = await generateText({ model: toLanguageModel(chain), prompt: PROMPT });
      expect(text).toBe((await generateText({ model, ...SHORT })).text);
      expect(JSON.stringify(warnings)).toContain("such.gguf");
    });
  });

  describe("documents", () => {
    const model = mlx.rerankingModel(TINY_RERANKER);

    test("come in the library's order with its scores, the best ones alone where that is asked for", async () => {
      await using llm = await createLLM("mlx", { model: TINY_RERANKER });
      const { results, usage } = await llm.rerank(query, documents);
      const expected = results.map(({ index, score, document }) => ({
        originalIndex: index,
        score,
        document,
      }));
      const all = await ai.rerank({ model, query, documents });
      expect(all.ranking).toEqual(expected);
      expect(all.providerMetadata?.abstractllm?.usage).toEqual(usage);
      expect(all.response.modelId).toBe(TINY_RERANKER);
      const given = toRerankingModel(llm);
      const best = await ai.rerank({ model: given, query, documents, topN: 2 });
      expect(best.ranking).toEqual(expected.slice(0, 2));
    });

    test("that are objects are read as JSON, and come back as they are", async () => {
      const values = documents.map((text, id) => ({ id, text }));
      const texts = values.map((value) => JSON.stringify(value));
      const { ranking } = await ai.rerank({ model, query, documents: values });
      const expected = await ai.rerank({ model, query, documents: texts });
      expect(ranking.map(({ score }) => score)).toEqual(expected.ranking.map(({ score }) => score));
      expect(ranking[0]?.document).toBe(values[ranking[0]?.originalIndex ?? -1]);
      const { warnings } = await model.doRerank({ query, documents: { type: "object", values } });
      expect(warnings).toContainEqual(expect.objectContaining({ feature: "object documents" }));
    });

    test("follow the options that the AI SDK has no name for, and are refused others", async () => {
      const long = [documents.join(" ").repeat(99)];
      const cut = { abstractllm: { truncate: true } };
      expect((await ai.rerank({ model, query, documents: long, providerOptions: cut })).ranking).toHaveLength(
        1,
      );
      await expect(ai.rerank({ model, query, documents: long })).rejects.toMatchObject({
        data: { code: "context-window-exceeded" },
      });
      const unknown = { abstractllm: { top_n: 1 } };
      await expect(ai.rerank({ model, query, documents, providerOptions: unknown })).rejects.toMatchObject({
        name: "AI_InvalidArgumentError",
      });
      await expect(ai.rerank({ model, query, documents, topN: 0 })).rejects.toMatchObject({
        name: "AI_InvalidArgumentError",
        argument: "topN",
      });
      const aborted = ai.rerank({
        model,
        query,
        documents,
        abortSignal: AbortSignal.abort(new Error("gone")),
      });
      await expect(aborted).rejects.toThrow("gone");
    });

    test("are not put in order by a model that writes", async () => {
      const writer = mlx.rerankingModel(SETUP_MODEL);
      await expect(ai.rerank({ model: writer, query, documents })).rejects.toMatchObject({
        name: "AI_UnsupportedFunctionalityError",
      });
    });
  });
}
