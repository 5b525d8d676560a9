import { mkdtemp, readdir, readFile, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { beforeEach, describe, expect, test } from "vitest";
import {
  ContextWindowExceededError,
  createSession,
  type DeltaPart,
  ImageInput,
  type ProviderAnswer,
  type ProviderCall,
  registerProvider,
  Session,
  tool,
  UnsupportedFeatureError,
} from "../../src/index.ts";
import { ScriptedProvider } from "../support/scripted-provider.ts";

/** One red pixel. */
const pixel =
  "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8BQDwAEhQGAhKmMIQAAAABJRU5ErkJggg==";

const saying = (...texts: string[]) => new ScriptedProvider(texts.map((text) => ({ text })));
const heard = (llm: ScriptedProvider) =>
  llm.calls.map(({ messages }) => messages.map(({ role, content }) => `${role}: ${content}`));

/** Takes images. */
class SeeingProvider extends ScriptedProvider {
  protected override requireVision(): void {}
}

/** Finds conversations of more than four messages too long, and cannot count. */
class NarrowProvider extends ScriptedProvider {
  protected override async respond(
    call: ProviderCall,
    emit: (part: DeltaPart) => void,
    signal: AbortSignal,
  ): Promise<ProviderAnswer> {
    if (call.messages.length > 4) throw new ContextWindowExceededError(4, call.messages.length);
    return super.respond(call, emit, signal);
  }

  protected override async count(): Promise<number> {
    throw new UnsupportedFeatureError("token_counting");
  }
}

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "session-"));
});

describe("a conversation", () => {
  test("is sent along with each prompt, led by the system prompt", async () => {
    const llm = saying("Hello Ada.", "Ada.");
    const session = new Session(llm, { systemPrompt: "Be brief." });
    await session.send("I am Ada.");
    expect((await session.send("Who am I?")).text).toBe("Ada.");
    expect(heard(llm)[1]).toEqual([
      "system: Be brief.",
      "user: I am Ada.",
      "assistant: Hello Ada.",
      "user: Who am I?",
    ]);
    expect(session.messages.map(({ content }) => content)).toEqual([
      "I am Ada.",
      "Hello Ada.",
      "Who am I?",
      "Ada.",
    ]);
  });

  test("holds a streamed answer once the stream has ended, and refuses another call before that", async () => {
    const session = new Session(saying("One two three"));
    const stream = session.stream("Count");
    expect(() => session.stream("Again")).toThrow("a call of this session is running");
    expect(() => session.clear()).toThrow("a call of this session is running");
    let text = "";
    for await (const part of stream) if (part.type === "text-delta") text += part.text;
    expect(text).toBe("One two three");
    expect(session.messages).toHaveLength(2);
  });

  test("keeps tool calls with their results", async () => {
    const toolCalls = [{ id: "c1", name: "add", arguments: {} }];
    const llm = new ScriptedProvider([{ toolCalls }, { text: "It is 4." }]);
    const add = tool({ name: "add", parameters: { type: "object" }, execute: () => 4 });
    const session = await createSession(llm, { tools: [add] });
    await session.send("2 + 2?");
    expect(session.messages.map(({ role }) => role)).toEqual(["user", "assistant", "tool", "assistant"]);
  });

  test("waits for results of tools that the caller runs", async () => {
    const toolCalls = [{ id: "c1", name: "add", arguments: {} }];
    const llm = new ScriptedProvider([{ toolCalls }, { text: "It is 4." }]);
    const session = new Session(llm, { tools: [{ name: "add" }] });
    await session.send("2 + 2?");
    expect(session.pendingToolCalls).toEqual(toolCalls);
    await expect(session.send("Well?")).rejects.toThrow("Tool calls wait for results: add (c1)");
    const { text } = await session.send([{ role: "tool", toolCallId: "c1", content: "4" }]);
    expect(text).toBe("It is 4.");
    expect(session.pendingToolCalls).toEqual([]);
  });

  test("keeps what was read from files", async () => {
    const llm = new SeeingProvider([{ text: "A note and a pixel." }, { text: "The same." }]);
    const path = join(folder, "note.txt");
    await writeFile(path, "first");
    const session = new Session(llm);
    await session.send("Read:", { files: [path, pixel] });
    await writeFile(path, "second");
    await session.send("Again?");
    expect(llm.calls[1]?.messages[0]?.content).toEqual([
      { type: "text", text: "Read:\n\nFile content: first" },
      { type: "image", image: expect.any(ImageInput) },
    ]);
  });

  test("is as it was after a failed, refused or aborted call", async () => {
    const session = new Session(saying("Hello"));
    await session.send("Hi");
    const before = session.messages;
    await expect(session.send("More")).rejects.toThrow("The script is over");
    await expect(session.send("More", { signal: AbortSignal.abort(new Error("no")) })).rejects.toThrow("no");
    await expect(session.send("More", { temperature: 9 })).rejects.toThrow("temperature");
    await expect(session.send([{ role: "system", content: "x" }])).rejects.toThrow("option systemPrompt");
    expect(session.messages).toEqual(before);
  });

  test("is as it was when its stream is left", async () => {
    const session = new Session(saying("A long answer"));
    const stream = session.stream("Hi");
    for await (const _ of stream) break;
    await expect(stream.response).rejects.toThrow("left before its end");
    expect(session.messages).toEqual([]);
  });

  test("goes two ways after a fork", async () => {
    const session = new Session(saying("a", "b", "c"), { systemPrompt: "S", metadata: { user: "ada" } });
    await session.send("1");
    const other = session.fork("other");
    await other.send("2");
    await session.send("3");
    expect(other.messages.map(({ content }) => content)).toEqual(["1", "a", "2", "b"]);
    expect(session.messages.map(({ content }) => content)).toEqual(["1", "a", "3", "c"]);
    expect(other).toMatchObject({ id: "other", metadata: { user: "ada" }, options: { systemPrompt: "S" } });
  });

  test("goes on with another model, without what only the former one understands", async () => {
    const messages = [
      { role: "user", content: "Hi" },
      { role: "assistant", content: "Hello", reasoning: "polite", providerData: { one: { signature: 1 } } },
    ] as const;
    const [first, second] = [saying(), saying("Still here")];
    const session = new Session(first, { messages });
    session.switchTo(first);
    expect(session.messages).toEqual(messages);
    session.switchTo(second);
    await session.send("And you?");
    expect(second.calls[0]?.messages[1]).toEqual({
      role: "assistant",
      content: "Hello",
      reasoning: "polite",
    });
  });

  test("changes its defaults from the next call on", async () => {
    const llm = saying("a", "b");
    const session = new Session(llm, { systemPrompt: "S", temperature: 1 });
    session.updateConfig({ systemPrompt: undefined, temperature: 0 });
    await session.send("x");
    await session.send("y", { temperature: 0.5 });
    expect(llm.calls.map(({ options }) => options.temperature)).toEqual([0, 0.5]);
    expect(llm.calls[0]?.messages[0]?.role).toBe("user");
    expect(() => session.updateConfig({ temprature: 1 } as object)).toThrow('did you mean "temperature"?');
  });

  test("opens a model for itself", async () => {
    registerProvider("mine", async () => ({
      createProvider: (config) => new ScriptedProvider([], "native", config),
    }));
    const session = await createSession("mine", { systemPrompt: "S", temperature: 1, id: "s" });
    expect(session).toMatchObject({ id: "s", options: { systemPrompt: "S", temperature: 1 } });
    expect(session.llm.provider).toBe("scripted");
  });
});

describe("a conversation that is too long", () => {
  const messages = ["1", "2", "3"].flatMap((content) => [
    { role: "user", content } as const,
    { role: "assistant", content: content.repeat(2) } as const,
  ]);

  test("is refused unless its strategy says otherwise", async () => {
    const session = new Session(saying("x"), { messages, maxInputTokens: 6 });
    const failed = session.send("4");
    await expect(failed).rejects.toMatchObject({ contextWindow: 6, contentLength: 7 });
    await expect(failed).rejects.toBeInstanceOf(ContextWindowExceededError);
  });

  test("loses as many of its oldest turns as it must, and says so", async () => {
    const llm = saying("ok");
    const session = new Session(llm, { messages, maxInputTokens: 5, truncationStrategy: "rollingWindow" });
    const { warnings } = await session.send("4");
    expect(heard(llm)[0]).toEqual(["user: 2", "assistant: 22", "user: 3", "assistant: 33", "user: 4"]);
    expect(warnings).toContain(
      "The conversation was too long: 2 of its messages were left out (truncationStrategy)",
    );
    expect(session.messages).toHaveLength(8);
  });

  test("keeps its first turn where the middle is left out", async () => {
    const llm = saying("ok");
    const session = new Session(llm, { messages, truncationStrategy: "truncateMiddle" });
    await session.send("4", { maxInputTokens: 4 });
    expect(heard(llm)[0]).toEqual(["user: 1", "assistant: 11", "user: 4"]);
  });

  test("is refused when the last turn alone is too long", async () => {
    const session = new Session(saying("ok"), { truncationStrategy: "rollingWindow", maxInputTokens: 1 });
    const prompt = [{ role: "user", content: "a" } as const, { role: "assistant", content: "b" } as const];
    await expect(session.send(prompt)).rejects.toThrow("when shortened as far as");
  });

  test("is shortened by estimate where the provider cannot count", async () => {
    const llm = new NarrowProvider([{ text: "ok" }]);
    const session = new Session(llm, { messages, truncationStrategy: "rollingWindow" });
    await session.send("4", { maxInputTokens: 20 });
    expect(heard(llm)[0]).toEqual(["user: 4"]);
  });

  test("is shortened when the model says so", async () => {
    const llm = new NarrowProvider([{ text: "ok" }]);
    const session = new Session(llm, { messages, truncationStrategy: "rollingWindow" });
    await session.send("4");
    expect(heard(llm)[0]).toEqual(["user: 3", "assistant: 33", "user: 4"]);
    session.updateConfig({ truncationStrategy: undefined });
    await expect(session.send("5")).rejects.toBeInstanceOf(ContextWindowExceededError);
  });
});

describe("a saved session", () => {
  test("comes back as it was, with images and without code", async () => {
    const llm = new SeeingProvider([{ text: "A pixel." }, { text: "Red." }]);
    const path = join(folder, "s.json");
    const session = new Session(llm, {
      systemPrompt: "S",
      temperature: 1,
      tools: [{ name: "add" }],
      metadata: { user: "ada" },
    });
    await session.send("Look:", { files: [new ImageInput(pixel, { detail: "low" })] });
    await session.save(path);
    expect(await readdir(folder)).toEqual(["s.json"]);
    expect((await stat(path)).mode & 0o077).toBe(0);
    const saved = JSON.parse(await readFile(path, "utf8"));
    expect(saved).toMatchObject({
      format: "abstractllm-session",
      version: 1,
      options: { systemPrompt: "S", temperature: 1 },
      messages: [
        { role: "user", content: [{}, { type: "image", image: pixel, detail: "low" }] },
        { role: "assistant", content: "A pixel." },
      ],
    });
    expect(saved.options.tools).toBeUndefined();

    const loaded = await Session.load(path, llm, { tools: [{ name: "add" }] });
    expect(await loaded.export()).toEqual(await session.export());
    await loaded.send("Which colour?");
    const [user] = llm.calls[1]?.messages.slice(1) ?? [];
    expect(user?.content).toEqual([
      { type: "text", text: "Look:" },
      { type: "image", image: expect.objectContaining({ detail: "low" }) },
    ]);
  });

  test("keeps providerData for the model that it is of only", async () => {
    const providerData = { scripted: { signature: 1 } };
    const messages = [{ role: "assistant", content: "Hello", providerData }] as const;
    const data = JSON.parse(JSON.stringify(await new Session(saying(), { messages }).export()));
    expect(Session.restore(data, saying()).messages).toEqual(messages);
    const other = Session.restore({ ...data, model: "another" }, saying());
    expect(other.messages).toEqual([{ role: "assistant", content: "Hello" }]);
  });

  test("is left as it was when writing fails, and nothing else is left behind", async () => {
    const session = new Session(saying());
    await expect(session.save(join(folder, "no", "s.json"))).rejects.toMatchObject({
      name: "FileProcessingError",
      message: `Cannot write ${join(folder, "no", "s.json")}: there is no folder for it`,
    });
    await expect(session.save(folder)).rejects.toThrow(`Cannot write ${folder}: it is a folder`);
    await expect(session.save(5 as unknown as string)).rejects.toThrow("Expected non-empty string for path");
    expect(await readdir(folder)).toEqual([]);
  });

  test("that is not there is said to be missing", async () => {
    const path = join(folder, "none.json");
    await expect(Session.load(path, saying())).rejects.toThrow(`Cannot read ${path}: there is no such file`);
    await expect(Session.load(undefined as unknown as string, saying())).rejects.toThrow("for path");
  });

  test.each([
    ["no JSON", "{secret", "it is no JSON"],
    ["no object", "[]", "it is no JSON object"],
    ["another format", "{}", "its format is not"],
    ["another version", { version: 2 }, "its version is 2"],
    [
      "a message of no role",
      { messages: [{ role: "boss", content: "" }] },
      "messages[0].role|prompt[0].role",
    ],
    [
      "a path for an image",
      { messages: [{ role: "user", content: [{ type: "image", image: "/etc/hostname" }] }] },
      "no data URL",
    ],
    [
      "a file of this machine",
      { messages: [{ role: "user", content: [{ type: "file", file: "/etc/hostname" }] }] },
      "no data URL",
    ],
  ])("is refused when it holds %s", async (_, content, message) => {
    const path = join(folder, "s.json");
    const good = await new Session(saying()).export();
    await writeFile(path, typeof content === "string" ? content : JSON.stringify({ ...good, ...content }));
    const failed = Session.load(path, saying());
    await expect(failed).rejects.toMatchObject({ name: "FileProcessingError", filePath: path });
    await expect(failed).rejects.toThrow(message.split("|").at(-1));
    await expect(failed).rejects.not.toThrow("secret");
  });
});

test("refuses ids that are no file name", () => {
  for (const id of ["", "../x", "A", "a/b", "a.b", "x".repeat(65), 7 as unknown as string]) {
    expect(() => new Session(saying(), { id })).toThrow("for id but received");
  }
});
