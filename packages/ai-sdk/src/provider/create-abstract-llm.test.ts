import { InvalidArgumentError } from "@ai-sdk/provider";
import { type AbstractLLM, createLLM } from "abstractllm";
import { expect, test } from "vitest";
import { toEmbeddingModel, toLanguageModel, toRerankingModel } from "./create-abstract-llm.ts";

test("what is no LLM becomes no model", async () => {
  const promise = createLLM("ollama");
  for (const given of [undefined, null, {}, promise]) {
    for (const make of [toLanguageModel, toEmbeddingModel, toRerankingModel]) {
      const failing = () => make(given as unknown as AbstractLLM);
      expect(failing).toThrow(InvalidArgumentError);
      expect(failing).toThrow("await it first where it is a promise");
    }
  }
  await promise;
});
