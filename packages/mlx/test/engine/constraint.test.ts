import {
  type Constraint,
  type Engine,
  type EngineModel,
  type GenerateRequest,
  startEngine,
} from "@abstractllm/mlx";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { device } from "../device.ts";
import { grammarProblem } from "./grammar-problem.ts";
import { smolLM2 } from "./smollm2.ts";

const END = 2; // <|im_end|>
const START = 1; // <|im_start|>

const collect = async (model: EngineModel, request: Partial<GenerateRequest>, signal?: AbortSignal) => {
  let text = "";
  let reason = "";
  let count = 0;
  const whole = { prompt: "The capital of France is", maxTokens: 40, ...request };
  for await (const part of model.generate(whole, signal && { signal })) {
    if (part.type === "text-delta") text += part.text;
    if (part.type === "finish") [reason, count] = [part.rawFinishReason, part.usage.outputTokens];
  }
  return { text, reason, count };
};

const recipe = {
  type: "object",
  properties: { name: { type: "string", maxLength: 12 }, eggs: { type: "integer", minimum: 0, maximum: 12 } },
  required: ["name", "eggs"],
  additionalProperties: false,
};

describe.skipIf(grammarProblem !== undefined)(`a constraint${grammarProblem ?? ""}`, () => {
  let engine: Engine;
  let model: EngineModel;
  beforeAll(async () => {
    engine = await startEngine({ device });
    model = await engine.load({ path: smolLM2 });
  });
  afterAll(() => engine?.dispose());

  it.each([
    /[0-9]{3}-[0-9]{4}/,
    / (yes|no|maybe)(, (yes|no)){2}!/,
    /[äöüß]{4}[東京]{2}🙂/u,
    /\{"a": \[[0-9](, [0-9]){2,4}\]\}/,
  ])("holds every answer to a regular expression: %s", async (pattern) => {
    const draw = (seed: number) =>
      collect(model, {
        constraint: { regex: pattern.source.replaceAll("\\/", "/") },
        temperature: 1.5,
        seed,
      });
    const answers = await Promise.all(Array.from({ length: 6 }, (_, seed) => draw(seed)));
    for (const { text, reason } of answers) {
      expect(text).toMatch(new RegExp(`^(?:${pattern.source})$`, "u"));
      expect(["constraint", "eos"]).toContain(reason);
    }
  });

  it("holds an answer to a grammar", async () => {
    const lark = 'start: "(" start ")" | WORD\nWORD: /[a-z]{2,5}/';
    const { text, reason } = await collect(model, { constraint: { lark }, temperature: 1, seed: 3 });
    const [, open = "", word = "", closed = ""] = /^(\(*)([a-z]*)(\)*)$/.exec(text) ?? expect.fail(text);
    if (reason === "max-tokens") return; // of brackets there may be any number
    expect(word).toMatch(/^[a-z]{2,5}$/);
    expect(closed).toHaveLength(open.length);
  });

  it("holds however likely other tokens are, special and last ones among them", async () => {
    const logitBias = { [END]: 900, [START]: 1000, 500: 800 };
    const answer = await collect(model, { constraint: { regex: "[a-c]{5}" }, logitBias });
    expect(answer).toMatchObject({ text: expect.stringMatching(/^[a-c]{5}$/), reason: "constraint" });
  });

  it("lets the answer end where it may", async () => {
    const answer = await collect(model, {
      constraint: { regex: "[a-z]{2}[a-z]*" },
      logitBias: { [END]: 1000 },
    });
    expect(answer).toMatchObject({ text: expect.stringMatching(/^[a-z]{2,}$/), reason: "eos" });
    expect(answer.count).toBeLessThanOrEqual(3);
  });

  it.each<Partial<GenerateRequest>>([
    { temperature: 1, topK: 1 },
    { temperature: 1, topP: 0.01 },
    { temperature: 1, minP: 1 },
    { repetitionPenalty: 2, presencePenalty: 5, frequencyPenalty: 5 },
  ])("is seen by every sampler: %j", async (sampling) => {
    const { text } = await collect(model, { constraint: { regex: "[qxz]{12}" }, ...sampling });
    expect(text).toMatch(/^[qxz]{12}$/);
  });

  it("changes no other answer of the batch, nor do they change it", async () => {
    const requests: Partial<GenerateRequest>[] = [
      { maxTokens: 24 },
      { constraint: { jsonSchema: recipe } },
      { prompt: "Once upon a time", temperature: 1, seed: 5, maxTokens: 30 },
      { constraint: { regex: "x{30}" }, temperature: 1, seed: 6 },
      { prompt: "My name is", maxTokens: 12, repetitionPenalty: 1.3 },
    ];
    const alone = [];
    for (const request of requests) alone.push(await collect(model, request));
    expect(await Promise.all(requests.map((request) => collect(model, request)))).toEqual(alone);
  });

  it("puts a value between marks, which may be special tokens", async () => {
    const constraint = { grammar: ["<|im_start|>call\n", { jsonSchema: recipe }, "</call>"] };
    const { text } = await collect(model, { constraint, keepSpecialTokens: ["<|im_start|>"] });
    const [, value] = /^<\|im_start\|>call\n(.*)<\/call>$/.exec(text) ?? [];
    expect(Object.keys(JSON.parse(value ?? ""))).toEqual(["name", "eggs"]);
  });

  it("says that an answer was cut off, and that one was whole at its last token", async () => {
    const constraint = { jsonSchema: recipe };
    const { count, text } = await collect(model, { constraint });
    expect(await collect(model, { constraint, maxTokens: count })).toMatchObject({
      text,
      reason: "constraint",
    });
    const cut = await collect(model, { constraint, maxTokens: count - 1 });
    expect(cut.reason).toBe("max-tokens");
    expect(text.startsWith(cut.text)).toBe(true);
  });

  const refused: readonly (readonly [string, Constraint, RegExp])[] = [
    ["a keyword that it does not hold", { jsonSchema: { type: "integer", not: { const: 1 } } }, /not/],
    ["a schema that nothing fits", { jsonSchema: { enum: [] } }, /anyOf is empty/],
    ["a reference to elsewhere", { jsonSchema: { $ref: "https://example.com/a.json" } }, /example\.com/],
    ["a broken expression", { regex: "(" }, /unclosed group/],
    ["a grammar without a start", { lark: "x: /a/" }, /start/],
    ["a grammar of brackets", { lark: `start: ${"(".repeat(100_000)}"a"${")".repeat(100_000)}` }, /nested/],
    ["an expression of brackets", { regex: `${"(".repeat(100_000)}a${")".repeat(100_000)}` }, /./],
    ["a schema of many fields", { jsonSchema: { properties: fields(20_000) } }, /too large/],
  ];
  it.each(refused)(
    "is refused with the reason, and the next request answered: %s",
    async (_, constraint, reason) => {
      await expect(collect(model, { constraint })).rejects.toMatchObject({
        code: "unsupported-feature",
        message: expect.stringMatching(reason),
        details: { feature: "constraint" },
      });
      expect((await collect(model, { maxTokens: 1 })).count).toBe(1);
    },
  );

  it.each([
    ["nothing", {}],
    ["two at once", { regex: "a", lark: 'start: "a"' }],
    ["a schema as text", { jsonSchema: "{}" }],
    ["more than can be read", { regex: "a".repeat(1_000_001) }],
  ])("is checked: %s", async (_, constraint) => {
    await expect(collect(model, { constraint: constraint as Constraint })).rejects.toMatchObject({
      code: "invalid-argument",
    });
  });

  it.each<readonly [string, Constraint]>([
    [
      "a reference to itself alone",
      { jsonSchema: { $ref: "#/$defs/a", $defs: { a: { $ref: "#/$defs/a" } } } },
    ],
    ["many values", { jsonSchema: { enum: Array.from({ length: 70_000 }, (_, i) => `v${i}`) } }],
    ["nested 60 deep", { jsonSchema: nested(60) }],
    ["nested 5000 deep", { jsonSchema: nested(5000) }],
    [
      "patterns that others backtrack in",
      { jsonSchema: { type: "string", pattern: "^(([a-z])+.)+[A-Z]([a-z])+$" } },
    ],
    ["repetitions of repetitions", { regex: "(.{0,500}x){0,500}" }],
    ["ambiguity", { lark: 'start: start start start | "a" | ' }],
    ["long strings", { jsonSchema: { type: "string", minLength: 1e5, maxLength: 1e7 } }],
    ["long lists", { jsonSchema: { type: "array", items: {}, minItems: 1e5, maxItems: 1e9 } }],
  ])("that is hostile ends within its limits: %s", async (_, constraint) => {
    const [outcome] = await Promise.allSettled([
      collect(model, { constraint, temperature: 1, seed: 1, maxTokens: 20 }),
    ]);
    if (outcome.status === "rejected") {
      expect(outcome.reason.code).toMatch(/^(unsupported-feature|invalid-argument|native)$/);
    }
    expect((await collect(model, { maxTokens: 1 })).count).toBe(1);
  });

  it("is let go of when the request is aborted", async () => {
    const abort = new AbortController();
    const request = { prompt: "A", maxTokens: 400, constraint: { regex: "[a-z ]{2000}" } };
    const abortedAfter = async (parts: number) => {
      let count = 0;
      for await (const _part of model.generate(request, { signal: abort.signal })) {
        if (++count === parts) abort.abort();
      }
    };
    await expect(abortedAfter(3)).rejects.toMatchObject({ code: "aborted" });
    expect((await collect(model, { constraint: { regex: "ok" } })).text).toBe("ok");
  });
});

function fields(count: number): Record<string, object> {
  return Object.fromEntries(Array.from({ length: count }, (_, i) => [`p${i}`, { type: "string" }]));
}

function nested(depth: number): Record<string, unknown> {
  let schema: Record<string, unknown> = { type: "integer" };
  for (let i = 0; i < depth; i++) schema = { type: "array", items: schema };
  return schema;
}

describe("without the grammar engine", () => {
  let engine: Engine;
  let model: EngineModel;
  beforeAll(async () => {
    process.env.ABSTRACTLLM_MLX_GRAMMAR = "off"; // as where there was no Rust
    engine = await startEngine({ device });
    model = await engine.load({ path: smolLM2 });
  });
  afterAll(async () => {
    delete process.env.ABSTRACTLLM_MLX_GRAMMAR;
    await engine?.dispose();
  });

  it("a model says so, refuses constraints and answers everything else", async () => {
    expect(model.info.constraintProblem).toMatch(/Install Rust/);
    await expect(collect(model, { constraint: { regex: "a" } })).rejects.toMatchObject({
      code: "unsupported-feature",
      message: model.info.constraintProblem,
    });
    expect((await collect(model, { maxTokens: 3 })).count).toBe(3);
  });
});
