import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type AbstractLLM, createLLM, type GenerateOptions } from "../src/index.ts";
import { scriptedTokens, writeScriptedModel } from "./support/scripted-model.ts";

/** As gpt-oss writes; it reasons on and on. */
const SCRIPT = {
  chatTemplate:
    "{% for m in messages %}{{ m.content }}{% endfor %}{% if tools %}{% endif %}<|start|>assistant" +
    "{# <|channel|><|message|><|call|> #}",
  chains: [
    ["<|start|>", "assistant", "<|channel|>", "analysis", "<|message|>", "Hm ", "well ", "Hm "],
    ["final", "<|message|>"],
    ["commentary", " to=add", "<|message|>"],
  ],
  specialTokens: ["<|start|>", "<|channel|>", "<|message|>"],
};
const TOKENS = scriptedTokens(SCRIPT);

describe("an mlx model that reasons in a channel", () => {
  let folder = "";
  let llm: AbstractLLM;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "abstractllm-channels-"));
    await writeScriptedModel(folder, SCRIPT);
    llm = await createLLM("mlx", { model: folder, temperature: 0, device: "cpu", quantize: false });
  });
  afterAll(async () => {
    await llm?.unload();
    await rm(folder, { recursive: true });
  });

  /** @param second - the channel that it takes where it cannot take its first choice */
  const ask = async (
    second: "final" | "commentary",
    options: Pick<GenerateOptions, "reasoning" | "tools"> = {},
  ) => {
    const logitBias = { [TOKENS.indexOf(second)]: 50 };
    const given = { maxTokens: 24, ignoreEos: true, logitBias, ...options }; // <|end|> ends answers of scripts
    const { reasoning, text, usage, toolCalls } = await llm.generate("x", given);
    return { reasoning, text, toolCalls, reasoned: usage.reasoningTokens };
  };

  test("is made to answer in another one when its tokens are used up", async () => {
    const unlimited = await ask("final");
    expect(unlimited).toMatchObject({ text: "", reasoned: 21 });
    const limited = await ask("final", { reasoning: { maxTokens: 4 } });
    expect(limited).toMatchObject({ reasoning: "Hm well Hm well", reasoned: 4 });
    expect(limited.text).toMatch(/^Hm well Hm/);
  });

  test("answers at once without reasoning", async () => {
    for (const reasoning of [false, { maxTokens: 0 }] as const) {
      const { text, ...answer } = await ask("final", { reasoning });
      expect(answer).toEqual({ reasoning: undefined, toolCalls: [], reasoned: 0 });
      expect(text).toMatch(/^Hm well Hm/);
    }
  });

  test("may go on with a call", async () => {
    const options = { reasoning: { maxTokens: 2 }, tools: [{ name: "add" }] } as const;
    const answer = await ask("commentary", options);
    expect(answer).toMatchObject({ reasoning: "Hm well", reasoned: 2 });
    expect(answer.text).toMatch(/^Hm well Hm/); // what follows is no call's input
  });
});
