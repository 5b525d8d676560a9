/** The option `logprobs` of providers behind HTTP. */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import {
  type AbstractLLM,
  createLLM,
  type LLMConfig,
  ModelCapability,
  type TokenLogprob,
} from "../../src/index.ts";
import { type Behaviour, type Fault, HttpService } from "../services/http-service.ts";
import { huggingFaceService } from "../services/huggingface-service.ts";
import { ollamaService } from "../services/ollama-service.ts";
import { openAIService } from "../services/openai-service.ts";
import { logprobOf } from "../services/wire-logprobs.ts";

const PROMPT = "Tell me of the river.";
const apiKey = "a-key";

interface Subject {
  readonly name: string;
  readonly provider: string;
  readonly behaviour: Behaviour;
  readonly config: LLMConfig;
  readonly basePath: string;
  /** What a request has that asks for log probabilities, and for two alternatives. */
  readonly asked: readonly [object, object];
}

const CHAT = [{ logprobs: true }, { logprobs: true, top_logprobs: 2 }] as const;
const INCLUDED = { include: ["message.output_text.logprobs"] };
const openai = {
  provider: "openai",
  behaviour: openAIService({ models: ["gpt-4o", "gpt-5"], apiKey }),
  basePath: "/v1",
} as const;

const SUBJECTS: readonly Subject[] = [
  { ...openai, name: "openai: chat", config: { apiKey }, asked: CHAT },
  {
    ...openai,
    name: "openai: responses",
    config: { apiKey, api: "responses" },
    asked: [INCLUDED, { ...INCLUDED, top_logprobs: 2 }],
  },
  {
    name: "openai-compatible",
    provider: "openai-compatible",
    behaviour: openAIService({ models: ["served"] }),
    config: { model: "served" },
    basePath: "/v1",
    asked: CHAT,
  },
  {
    name: "huggingface",
    provider: "huggingface",
    behaviour: huggingFaceService({ apiKey }),
    config: { apiKey },
    basePath: "/v1",
    asked: CHAT,
  },
  { name: "ollama", provider: "ollama", behaviour: ollamaService, config: {}, basePath: "", asked: CHAT },
];

/** The answer with its text changed, wherever that is. */
const rewritten =
  (rewrite: (step: string) => string): Fault =>
  (answer) => ({
    ...answer,
    body: answer.body.map((step) => (typeof step === "string" ? rewrite(step) : step)),
  });

const textOf = (tokens: readonly TokenLogprob[]) => tokens.map(({ token }) => token).join("");

const open = ({ provider, config, basePath }: Subject, service: HttpService, more: LLMConfig = {}) =>
  createLLM(provider, { ...config, baseUrl: service.origin + basePath, temperature: 0, ...more });

describe.each(SUBJECTS)("log probabilities with $name", (subject) => {
  let service: HttpService;
  let llm: AbstractLLM;
  beforeAll(async () => {
    service = await HttpService.start(subject.behaviour);
    llm = await open(subject, service);
  });
  beforeEach(() => {
    service.requests.length = 0;
  });
  afterAll(() => service.stop());

  test("are those of the text's tokens, and come with them", async () => {
    expect(llm.getCapabilities()[ModelCapability.LOGPROBS]).toBe(true);
    const stream = llm.stream(PROMPT, { logprobs: 2 });
    const streamed: TokenLogprob[] = [];
    for await (const part of stream) {
      if (part.type !== "text-delta") continue;
      expect(textOf(part.logprobs ?? [])).toBe(part.text);
      streamed.push(...(part.logprobs ?? []));
    }
    const { text, logprobs, warnings } = await stream.response;
    expect(logprobs).toEqual(streamed);
    expect(textOf(streamed)).toBe(text);
    expect(warnings).toEqual([]);
    for (const { token, bytes, logprob, topLogprobs } of streamed) {
      expect({ bytes, logprob }).toEqual({ bytes: [...Buffer.from(token)], logprob: logprobOf(token) });
      expect(topLogprobs.map((other) => other.token)).toEqual([token, `${token}~`]);
    }
    expect(service.requests[0]?.body).toMatchObject(subject.asked[1]);
  });

  test("come without alternatives for true", async () => {
    const { logprobs = [] } = await llm.generate(PROMPT, { logprobs: true });
    expect(logprobs.length).toBeGreaterThan(1);
    for (const { topLogprobs } of logprobs) expect(topLogprobs).toEqual([]);
    expect(service.requests[0]?.body).toMatchObject(subject.asked[0]);
    expect(service.requests[0]?.body).not.toHaveProperty("top_logprobs");
  });

  test.each([undefined, false])("are not asked for by %s", async (logprobs) => {
    const response = await llm.generate(PROMPT, { logprobs });
    expect(response).not.toHaveProperty("logprobs");
    expect(JSON.stringify(service.requests[0]?.body)).not.toContain("logprobs");
  });

  test("that the service passes over are told of", async () => {
    service.faults.push(rewritten((step) => step.replaceAll('"logprobs":', '"other":')));
    const response = await llm.generate(PROMPT, { logprobs: true });
    expect(response.text).not.toBe("");
    expect(response).not.toHaveProperty("logprobs");
    expect(response.warnings.join()).toContain("gave no log probabilities");
  });

  test("that cannot be read are left out and told of", async () => {
    const { logprobs: all = [] } = await llm.generate(PROMPT, { logprobs: true });
    let count = 0;
    const spoil = (step: string) =>
      step.replaceAll('"logprob":', (field) => (count++ < 2 ? '"logprob":"none","was":' : field));
    service.faults.push(rewritten(spoil));
    const { logprobs, warnings } = await llm.generate(PROMPT, { logprobs: true });
    expect(logprobs).toEqual(all.slice(2));
    expect(warnings).toEqual([expect.stringMatching(/^2 of the service's log probabilities lack/)]);
  });
});

describe("log probabilities", () => {
  const [chat, responses, compatible, , ollama] = SUBJECTS as [Subject, Subject, Subject, Subject, Subject];

  /** Runs a test with a service. */
  const serving = async (behaviour: Behaviour, work: (service: HttpService) => Promise<void>) => {
    const service = await HttpService.start(behaviour);
    await work(service).finally(() => service.stop());
  };

  test.each([chat, responses])("come from $name in one piece too", (subject) =>
    serving(subject.behaviour, async (service) => {
      const llm = await open(subject, service);
      const { logprobs } = await llm.generate(PROMPT, { logprobs: 1 });
      service.faults.push(() => ({
        status: 400,
        headers: { "content-type": "application/json" },
        body: ['{"error":{"message":"You may not stream this model.","param":"stream"}}'],
      }));
      const whole = await llm.generate(PROMPT, { logprobs: 1 });
      expect(service.requests.at(-1)?.body).toMatchObject({ stream: false });
      expect(whole.logprobs).toEqual(logprobs);
    }),
  );

  test("are refused by models of OpenAI that reason, which their capabilities say", () =>
    serving(openai.behaviour, async (service) => {
      const llm = await open(responses, service, { model: "gpt-5" });
      expect(llm.getCapabilities()[ModelCapability.LOGPROBS]).toBe(false);
      await expect(llm.generate(PROMPT, { logprobs: true })).rejects.toMatchObject({
        name: "UnsupportedFeatureError",
        feature: "logprobs",
        details: { code: "unsupported_parameter" },
      });
    }));

  test("of reasoning are not among those of the text", () =>
    serving(ollamaService, async (service) => {
      const llm = await open(ollama, service, { reasoning: true });
      const { reasoning, text, logprobs = [] } = await llm.generate(PROMPT, { logprobs: true });
      expect(reasoning).toBe("Let me think.");
      expect(textOf(logprobs)).toBe(text);
    }));

  test.each([
    ["openai-compatible", compatible, openAIService({ models: ["served"], isWithoutTools: true }), "served"],
    ["ollama", ollama, ollamaService, "tinytext:latest"],
  ] as const)(
    "of calls that a model of %s writes as text are not among them",
    (_, subject, behaviour, model) =>
      serving(behaviour, async (service) => {
        const llm = await open(subject, service, { model, tools: [{ name: "f" }], logprobs: true });
        const called = await llm.generate("Please use the tools.");
        expect(called.toolCalls).toHaveLength(1);
        expect(called.logprobs).toEqual([]);
        const { text, logprobs = [] } = await llm.generate(PROMPT);
        expect(textOf(logprobs)).toBe(text);
      }),
  );

  test("are asked of LM Studio too, although its capabilities say that it has none so far", () =>
    serving(openAIService({ models: ["m"] }), async (service) => {
      const llm = await createLLM("lmstudio", { baseUrl: `${service.origin}/v1`, model: "m" });
      expect(llm.getCapabilities()[ModelCapability.LOGPROBS]).toBe(false);
      expect((await llm.generate(PROMPT, { logprobs: true })).logprobs?.length).toBeGreaterThan(1);
    }));

  test.each([chat, compatible, ollama])("of prompts are refused by $name", async (subject) => {
    const opened = createLLM(subject.provider, {
      ...subject.config,
      baseUrl: "http://127.0.0.1:9",
      promptLogprobs: true,
    });
    await expect(opened).rejects.toMatchObject({
      name: "UnsupportedFeatureError",
      feature: "promptLogprobs",
    });
  });
});
