import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { createFallbackChain, createLLM, Session, SessionManager, tool } from "../../src/index.ts";
import { fixturePath } from "../media/fixture.ts";
import { type ServiceMember, SeveralServices } from "../services/several-services.ts";

let services: SeveralServices;
let folder = "";

beforeAll(async () => {
  services = await SeveralServices.start();
  folder = await mkdtemp(join(tmpdir(), "session-across-"));
});

beforeEach(() => services.reset());

afterAll(async () => {
  await services.stop();
  await rm(folder, { recursive: true });
});

const open = ([provider, config]: ServiceMember) => createLLM(provider, config);

const add = tool({
  name: "add",
  parameters: { type: "object", properties: { a: { type: "number" } }, required: ["a"] },
  execute: ({ a }) => a + 1,
});

/** The last request that a service got. */
const lastBody = (requests: readonly { body: Record<string, unknown> }[]) => requests.at(-1)?.body;

describe("a session with tools in its history", () => {
  test.each([
    ["openai", "anthropic", "ollama"],
    ["anthropic", "ollama", "openai"],
    ["ollama", "openai", "anthropic"],
  ] as const)("goes on from %s to %s and to %s", async (first, second, third) => {
    const { members } = services;
    const session = new Session(await open(members[first]), { tools: [add], maxSteps: 3 });
    await session.send("Please use the tools.", { maxTokens: 2000 });
    for (const next of [second, third]) {
      session.switchTo(await open(members[next]));
      const { provider, text } = await session.send("Now use the tools once more.", { maxTokens: 2000 });
      expect([provider, text !== ""]).toEqual([next, true]); // the service has checked calls and results
    }
    const turn = ["user", "assistant", "tool", "assistant"];
    expect(session.messages.map(({ role }) => role)).toEqual([...turn, ...turn, ...turn]);
    const results = session.messages.filter(({ role }) => role === "tool");
    expect(results.map(({ content }) => content)).toEqual(["8", "8", "8"]);
  });

  test("hands calls and results over in the next service's own form", async () => {
    const { members } = services;
    const session = new Session(await open(members.openai), { tools: [add], maxSteps: 3 });
    await session.send("Please use the tools.");
    const [, asked] = session.messages;
    const id = asked?.role === "assistant" ? asked.toolCalls?.[0]?.id : undefined;
    expect(id).toMatch(/^call_/);

    session.switchTo(await open(members.anthropic));
    await session.send("Thanks.", { maxTokens: 2000 });
    expect(lastBody(services.anthropic.requests)?.messages).toMatchObject([
      { role: "user", content: [{ type: "text", text: "Please use the tools." }] },
      { role: "assistant", content: [{ type: "tool_use", id, name: "add", input: { a: 7 } }] },
      { role: "user", content: [{ type: "tool_result", tool_use_id: id, content: "8" }] },
      { role: "assistant", content: [{ type: "text" }] },
      { role: "user", content: [{ type: "text", text: "Thanks." }] },
    ]);

    session.switchTo(await open(members.ollama));
    await session.send("Thanks again.");
    expect(lastBody(services.ollama.requests)?.messages).toMatchObject([
      { role: "user" },
      { role: "assistant", tool_calls: [{ function: { name: "add", arguments: { a: 7 } } }] },
      { role: "tool", content: "8", tool_name: "add" },
      { role: "assistant" },
      { role: "user" },
      { role: "assistant" },
      { role: "user", content: "Thanks again." },
    ]);
  });

  test("gives the result of a call that another service asked for", async () => {
    const { members } = services;
    const { execute: _, ...byHand } = add;
    const session = new Session(await open(members.anthropic), { tools: [byHand] });
    const { toolCalls } = await session.send("Please use the tools.", { maxTokens: 2000 });
    session.switchTo(await open(members.openai));
    const [call] = toolCalls;
    const { provider, text } = await session.send([
      { role: "tool", toolCallId: call?.id ?? "", name: "add", content: "8" },
    ]);
    expect([provider, text !== ""]).toEqual(["openai", true]);
    expect(session.pendingToolCalls).toEqual([]);
  });
});

describe("a saved session", () => {
  test("goes on with another service: tools, images and thoughts that only the former one signed", async () => {
    const { members } = services;
    const path = join(folder, "saved.json");
    const before = new Session(await open(members.anthropic), {
      systemPrompt: "Be brief.",
      tools: [add],
      maxSteps: 3,
      reasoning: true,
      maxTokens: 2000,
    });
    await before.send("What is this?", { files: [fixturePath("rgb.png")] });
    await before.send("Please use the tools.");
    expect(JSON.stringify(before.messages)).toContain("signature");
    await before.save(path);
    expect(await readFile(path, "utf8")).not.toContain("sk-anthropic");

    const same = await Session.load(path, await open(members.anthropic), { tools: [add] });
    await same.send("And then?"); // the service checks its signatures
    expect(JSON.stringify(lastBody(services.anthropic.requests))).toContain("signature");

    const [provider, config] = members.openai;
    const other = await Session.load(path, await createLLM(provider, config), {
      tools: [add],
      reasoning: undefined,
    });
    const { text } = await other.send("Please use the tools.");
    expect(text).not.toBe("");
    expect(JSON.stringify(other.messages)).not.toContain("signature");
    const body = lastBody(services.openai.requests);
    expect(JSON.stringify(body)).toContain("data:image/png;base64,iVBOR");
    expect(body?.messages).toMatchObject([
      { role: "system", content: "Be brief." },
      { role: "user" },
      {},
      {},
      {},
      {},
      {},
      {},
      {},
      {},
    ]);
  });

  test("is taken up by a chain, whose members answer it in turn when one fails", async () => {
    const { members } = services;
    const kept = join(folder, "sessions");
    const tools = { tools: [add], maxSteps: 3 };
    const before = new SessionManager(kept, await open(members.openai), tools);
    await before.create({ id: "ada" }).send("Please use the tools.");
    await before.saveAll();

    services.openai.faults.push(() => "reset");
    const [provider, config] = members.openai;
    const chain = await createFallbackChain([[provider, { ...config, maxRetries: 0 }], members.ollama]);
    const again = await new SessionManager(kept, chain, tools).get("ada");
    expect((await again?.send("Please use the tools."))?.provider).toBe("ollama");
    expect((await again?.send("Please use the tools."))?.provider).toBe("openai");
    expect(again?.messages).toHaveLength(12);
  });
});
