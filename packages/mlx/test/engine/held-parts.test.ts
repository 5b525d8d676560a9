import {
  type Constraint,
  type Engine,
  type EngineModel,
  type GenerateRequest,
  type HeldPart,
  startEngine,
} from "@abstractllm/mlx";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { device } from "../device.ts";
import { grammarProblem } from "./grammar-problem.ts";
import { smolLM2 } from "./smollm2.ts";

const END = 2; // <|im_end|>

const collect = async (model: EngineModel, request: Partial<GenerateRequest>) => {
  let text = "";
  let tokens: number[] = [];
  let finish = {};
  const whole = { prompt: "The capital of France is", maxTokens: 40, ...request };
  for await (const part of model.generate(whole)) {
    if (part.type === "text-delta") {
      text += part.text;
      tokens = [...tokens, ...part.tokens];
    }
    if (part.type === "finish") finish = { reason: part.rawFinishReason, ...part.timings };
  }
  return { text, tokens, finish: finish as { reason: string; draftedTokens?: number } };
};

const answer = async (model: EngineModel, request: Partial<GenerateRequest>): Promise<string> =>
  (await collect(model, request)).text;

const CALL: HeldPart = {
  start: "<call>",
  grammar: [{ anyOf: ["", "\n"] }, { jsonSchema: { enum: ["Tom", "Rex"] } }, "</call>"],
};
const HELD = /^(?:\n?"(?:Tom|Rex)"<\/call>)/;

describe.skipIf(grammarProblem !== undefined)(`parts of an answer${grammarProblem ?? ""}`, () => {
  let engine: Engine;
  let model: EngineModel;
  beforeAll(async () => {
    engine = await startEngine({ device });
    model = await engine.load({ path: smolLM2 });
  });
  afterAll(() => engine?.dispose());

  /** A part that the model's own text opens: what it says first. */
  const opened = async (length: number, request: Partial<GenerateRequest> = {}) => {
    const free = await answer(model, request);
    return { free, start: free.slice(0, length) };
  };

  it("leaves an answer that opens none as it is, in a batch and with drafts too", async () => {
    const constraint: Constraint = { parts: [CALL] };
    const requests: Partial<GenerateRequest>[] = [
      {},
      { temperature: 1, seed: 3 },
      { repetitionPenalty: 1.3, prompt: "My name is" },
      { promptLookup: true, prompt: "one two three one two three one two" },
      { temperature: 0.8, topP: 0.9, seed: 4, stop: [","], prompt: "Once upon a time" },
    ];
    const ask = (request: Partial<GenerateRequest>) => collect(model, request);
    for (const request of requests) {
      const { text, tokens } = await ask(request);
      expect(await ask({ ...request, constraint })).toMatchObject({ text, tokens });
    }
    const together = await Promise.all(requests.map((request) => ask({ ...request, constraint })));
    const alone = [];
    for (const request of requests) alone.push(await ask(request));
    expect(together.map(({ text }) => text)).toEqual(alone.map(({ text }) => text));
  });

  it.each([6, 7, 19])("are held from where the text opens one, %i characters in", async (length) => {
    const { free, start } = await opened(length);
    const grammar = [{ anyOf: ["", " "] }, { regex: "[qxz]{12}" }, "!"];
    const text = await answer(model, { constraint: { parts: [{ start, grammar }] } });
    expect(text).toMatch(/^.{6,19} ?[qxz]{12}!/s);
    expect(text.startsWith(start)).toBe(true);
    expect(free).not.toContain(text.slice(0, length + 14));
  });

  it("end, and the answer goes on freely and may open others", async () => {
    const parts: HeldPart[] = [
      { start: " Paris", grammar: { anyOf: [". The capital of Italy is", " The capital of Spain is"] } },
      { start: " Rome", grammar: " (1)" },
      { start: " Madrid", grammar: " (2)" },
    ];
    const text = await answer(model, { constraint: { parts } });
    expect(text).toMatch(
      /^ Paris(?:\. The capital of Italy is Rome \(1\)| The capital of Spain is Madrid \(2\))./s,
    );
  });

  it("are opened by no token that goes on in another way", async () => {
    for (const start of [" Par", " Pa", " "]) {
      const request = { constraint: { parts: [{ start, grammar: "7" }] }, maxTokens: 12 };
      for (const text of [
        await answer(model, request),
        await answer(model, { ...request, temperature: 1, seed: 1 }),
      ])
        expect(
          text
            .split(start)
            .slice(1, -1)
            .every((rest) => rest.startsWith("7")),
          text,
        ).toBe(true);
    }
  });

  it("can be at the beginning only", async () => {
    const { start } = await opened(6);
    const parts = [{ start: start.trimStart(), grammar: "007", isFirst: true }];
    expect(await answer(model, { constraint: { parts } })).toContain(`${start}007`);
    const later = [{ start: "France", grammar: "007", isFirst: true }];
    expect(await answer(model, { constraint: { parts: later } })).toBe(await answer(model, {}));
  });

  it("are not ended by an end of the answer before theirs", async () => {
    const [first = 0] = (await collect(model, { maxTokens: 1 })).tokens;
    const constraint = { parts: [{ start: " Paris", grammar: { regex: "[a-z ]{9}" } }] };
    const { text, finish } = await collect(model, { constraint, logitBias: { [END]: 500, [first]: 1000 } });
    expect(text).toMatch(/^ Paris[a-z ]{9} Paris/); // it would go on for ever
    expect(finish.reason).toBe("max-tokens");
  });

  it("are held in every row of a batch and in drafts", async () => {
    const prompt = '<call>"Tim"</call>\n<call>"Tim"</call>\n<call>"Tim"</call>\n';
    const request = { constraint: { parts: [CALL] }, prompt };
    expect(await answer(model, { prompt })).toContain('<call>"Tim"</call>');
    const one = await collect(model, { ...request, promptLookup: true });
    expect(one.finish.draftedTokens).toBeGreaterThan(0);
    expect(one.text).toBe(await answer(model, request));
    const many = await Promise.all(
      [1, 2, 3].map((logit) => answer(model, { ...request, logitBias: { 0: logit } })),
    );
    for (const text of [one.text, ...many]) {
      const calls = text.split("<call>").slice(1);
      expect(calls.length).toBeGreaterThan(1);
      for (const call of calls.slice(0, -1)) expect(call).toMatch(HELD);
    }
  });

  it("are held in rows that take the likeliest tokens, whenever each opens one", async () => {
    const calls = '<call>"Tim"</call>\n'.repeat(3);
    const prompts = [calls, `Dogs:\n${calls}`, `${calls}${calls}`, "Once upon a time"];
    const constraint: Constraint = { parts: [CALL] };
    const alone: string[] = [];
    for (const prompt of prompts) alone.push(await answer(model, { prompt, constraint }));
    const together = await Promise.all(prompts.map((prompt) => answer(model, { prompt, constraint })));
    expect(together).toEqual(alone);
    const isHeld = (text: string): boolean =>
      text
        .split("<call>")
        .slice(1, -1)
        .every((call) => HELD.test(call));
    expect(together.map((text) => [isHeld(text), text.includes("</call>")])).toEqual([
      [true, true],
      [true, true],
      [true, true],
      [true, false],
    ]);
  });

  it.each<readonly [string, unknown, RegExp]>([
    ["a part without a start", { parts: [{ start: "", grammar: "a" }] }, /start/],
    ["a part without a grammar", { parts: [{ start: "a" }] }, /grammar/],
    ["no list", { parts: "a" }, /parts/],
    ["parts and more", { parts: [CALL], regex: "a" }, /Expected/],
    ["text", "a", /object/],
    ["an empty choice", { grammar: { anyOf: [] } }, /grammar/],
    ["a nest", { grammar: JSON.parse(`${"[".repeat(600)}${"]".repeat(600)}`) }, /nested/],
    ["a mark without text", { grammar: { upTo: "" } }, /upTo/],
  ])("are checked: %s", async (_, constraint, message) => {
    await expect(collect(model, { constraint: constraint as Constraint })).rejects.toMatchObject({
      code: "invalid-argument",
      message: expect.stringMatching(message),
    });
  });

  it("may be nested", async () => {
    const grammar = JSON.parse(`${"[".repeat(500)}"deep"${"]".repeat(500)}`);
    expect(await answer(model, { constraint: { grammar } })).toBe("deep");
  });

  it("that cannot be compiled are refused before the answer begins", async () => {
    const grammar = { jsonSchema: { type: "string", not: { const: "a" } } };
    await expect(
      collect(model, { constraint: { parts: [{ start: "<x>", grammar }] } }),
    ).rejects.toMatchObject({
      code: "unsupported-feature",
      details: { feature: "constraint", stage: "compile" },
    });
  });
});
