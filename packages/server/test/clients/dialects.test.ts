import type { ToolCall } from "abstractllm";
import { afterEach, describe, expect, test } from "vitest";
import { createServer, type ModelServer, type ServerOptions } from "../../src/index.ts";
import { type Ask, CLIENTS } from "../support/clients/index.ts";
import { type ScriptedAnswer, ScriptedLLM } from "../support/scripted-llm.ts";

const KEY = "correct horse";
const PNG =
  "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==";
const ask = (more: Partial<Ask> = {}): Ask => ({ turns: [{ role: "user", content: "Hi?" }], ...more });
const call = (id: string, city: string): ToolCall => ({ id, name: "weather", arguments: { city } });

let server: ModelServer | undefined;
afterEach(() => server?.close(0));

async function serve(script?: readonly ScriptedAnswer[], options: ServerOptions = {}) {
  const llm = new ScriptedLLM(script);
  server = createServer({ port: 0, apiKey: KEY, models: { m: llm }, ...options });
  return { llm, origin: await server.listen() };
}

describe.each(CLIENTS.map((open) => ({ name: open("http://x", KEY).name, open })))(
  "the client of $name",
  ({ open }) => {
    test("gets the same answer streamed and whole, with text of several bytes, thoughts and usage", async () => {
      const { origin } = await serve([
        { text: "Grüße, 東京 🙂\n\ndata: [DONE]\n\nend", reasoning: "Let me\nthink." },
      ]);
      const whole = await open(origin, KEY).whole(ask());
      expect(whole.text).toBe("Grüße, 東京 🙂\n\ndata: [DONE]\n\nend");
      expect(whole.reasoning).toBe("Let me\nthink.");
      expect(whole.usage).toEqual([10, 5]);
      expect(await open(origin, KEY).streamed(ask())).toEqual(whole);
    });

    test("has its conversation and options reach the model", async () => {
      const { origin, llm } = await serve();
      const turns = [
        { role: "user", content: "One" },
        { role: "assistant", content: "Two" },
        { role: "user", content: "Three" },
      ] as const;
      await open(origin, KEY).whole(ask({ turns, system: "Be brief.", temperature: 0.25, maxTokens: 7 }));
      const [sent] = llm.calls;
      expect(sent?.messages).toEqual([{ role: "system", content: "Be brief." }, ...turns]);
      expect(sent?.options).toMatchObject({ temperature: 0.25, maxTokens: 7 });
    });

    test("gets calls of several tools, before and after text", async () => {
      const script = [{ text: "I look.", toolCalls: [call("call_a", "Zürich"), call("call_b", "東京")] }];
      const { origin, llm } = await serve(script);
      const whole = await open(origin, KEY).whole(ask({ tools: ["weather"] }));
      expect(whole.calls).toEqual([
        { name: "weather", input: { city: "Zürich" } },
        { name: "weather", input: { city: "東京" } },
      ]);
      expect(await open(origin, KEY).streamed(ask({ tools: ["weather"] }))).toEqual(whole);
      expect(llm.calls[0]?.tools).toMatchObject([{ name: "weather", parameters: { required: ["city"] } }]);
    });

    test("gets JSON that fits its schema, and nothing of what did not fit", async () => {
      const script = [{ text: '{"city": 1}' }, { text: 'Sure: ```json\n{ "city": "Bern" }\n```' }];
      const schema = { type: "object", properties: { city: { type: "string" } }, required: ["city"] };
      for (const way of ["whole", "streamed"] as const) {
        const { origin } = await serve(script);
        expect((await open(origin, KEY)[way](ask({ schema }))).text).toBe('{"city":"Bern"}');
        await server?.close();
      }
    });

    test("shows the model an image", async () => {
      const { origin, llm } = await serve();
      await open(origin, KEY).whole(ask({ image: PNG }));
      const content = llm.calls[0]?.messages[0]?.content;
      const image = Array.isArray(content) ? content.find(({ type }) => type === "image")?.image : undefined;
      expect(await image?.base64()).toBe(PNG);
    });

    test("is told when an answer was cut off", async () => {
      const { origin } = await serve([{ text: "One", finishReason: "length" }]);
      const whole = await open(origin, KEY).whole(ask());
      expect(whole.reason).toMatch(/length|max_tokens|max_output_tokens/);
      expect((await open(origin, KEY).streamed(ask())).reason).toBe(whole.reason);
    });

    test("gets what there is of JSON that was cut off, and is told so", async () => {
      const script = [{ text: "none" }, { text: '{"city": "Be', finishReason: "length" }] as const;
      for (const way of ["whole", "streamed"] as const) {
        const { origin } = await serve(script);
        const told = await open(origin, KEY)[way](ask({ schema: { type: "object" } }));
        expect(told.text).toBe('{"city": "Be');
        expect(told.reason).toMatch(/length|max_tokens|max_output_tokens/);
        expect(told.usage).toEqual([20, 10]);
        await server?.close();
      }
    });

    test.each([
      ["a wrong key", 401, { key: "wrong horse" }],
      ["an unknown model", 404, { model: "none" }],
      ["an option out of range", 400, { temperature: 9 }],
    ])("is refused for %s", async (_, status, { key = KEY, ...more }: { key?: string } & Partial<Ask>) => {
      const { origin } = await serve();
      for (const way of ["whole", "streamed"] as const) {
        const error = await open(origin, key)
          [way](ask(more))
          .catch((e) => e);
        expect(error.status ?? error.status_code).toBe(status);
      }
    });

    test("gets the model's failure as an error, whether or not the answer began", async () => {
      const { origin } = await serve([
        { error: new Error("secret of the house") },
        { text: "Half an", error: new Error("secret of the house") },
      ]);
      const before = await open(origin, KEY)
        .streamed(ask())
        .catch((e) => e);
      const within = await open(origin, KEY)
        .streamed(ask())
        .catch((e) => e);
      for (const error of [before, within]) {
        expect(error instanceof Error || error.reason === "failed").toBe(true); // a response can have failed
        expect(`${error.message} ${JSON.stringify(error)}`).not.toContain("secret");
      }
    });

    test("stops the model by going away, streamed and whole", async () => {
      for (const way of ["whole", "streamed"] as const) {
        const { origin, llm } = await serve([{ text: "Once", isEndless: true }]);
        const controller = new AbortController();
        const asked = open(origin, KEY)
          [way](ask({ signal: controller.signal }))
          .catch((e) => e);
        await expect.poll(() => llm.pieces).toBeGreaterThan(3);
        controller.abort();
        await asked;
        await expect.poll(() => llm.aborted).toBe(1);
        await server?.close();
      }
    });

    test("is told to come back when there are too many", async () => {
      let release = () => {};
      const after = new Promise<void>((resolve) => {
        release = resolve;
      });
      const { origin, llm } = await serve([{ text: "Hi", after }], { maxCalls: 1 });
      const first = open(origin, KEY).whole(ask());
      await expect.poll(() => llm.calls.length).toBe(1);
      const error = await open(origin, KEY)
        .whole(ask())
        .catch((e) => e);
      expect([503, 529]).toContain(error.status ?? error.status_code);
      release();
      expect((await first).text).toBe("Hi");
    });
  },
);
