import { mkdtemp, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { Message } from "../../interface/message.ts";
import { createLLM } from "../../registry/index.ts";
import { Session } from "../../session/index.ts";
import type { Terminal } from "../terminal.ts";
import { beginChat, type ChatState, withPast } from "./chat-state.ts";
import { runSlashCommand } from "./slash-commands.ts";

const MESSAGES: Message[] = [
  { role: "user", content: "Hi" },
  { role: "assistant", content: "Hello" },
];

let folder = "";
let printed = "";
let state: ChatState;
const terminal = {
  print: (text: string) => {
    printed += text;
  },
  note: (text: string) => {
    printed += `${text}\n`;
  },
  style: (_: string, text: string) => text,
  styleNote: (_: string, text: string) => text,
} as Terminal;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "abstractllm-chat-"));
  printed = "";
  state = beginChat(await createLLM("ollama", { model: "m", systemPrompt: "S" }));
  state.session = withPast(state.session, MESSAGES);
});

afterEach(() => rm(folder, { recursive: true }));

const run = (line: string) => runSlashCommand(line, state, terminal);

describe("/commands", () => {
  test("/help names every command", async () => {
    await run("/help");
    for (const name of ["/system", "/clear", "/save", "/load", "/set", "/stats", "/exit"]) {
      expect(printed).toContain(name);
    }
  });

  test("/system shows, sets and removes the system prompt", async () => {
    await run("/system");
    expect(printed).toBe("S\n");
    await run("/system Be brief.");
    expect(state.session.options.systemPrompt).toBe("Be brief.");
    await run("/system -");
    expect(state.session.options.systemPrompt).toBeUndefined();
    await run("/set system_prompt S");
    expect(state.session.options.systemPrompt).toBe("S");
  });

  test("/clear and /retry forget", async () => {
    const first: Message = { role: "user", content: "Before" };
    state.session = withPast(state.session, [first, ...MESSAGES]);
    await run("/retry");
    expect(state.session.messages).toEqual([first]);
    await run("/clear");
    expect(state.session.messages).toEqual([]);
    await run("/retry");
    expect(state.session.messages).toEqual([]);
  });

  test("/save and /load bring a conversation back, readable by its owner alone", async () => {
    const path = join(folder, "chat.json");
    await run(`/save ${path}`);
    expect(JSON.parse(await readFile(path, "utf8"))).toEqual({
      format: "abstractllm-session",
      version: 1,
      id: state.session.id,
      metadata: {},
      provider: "ollama",
      model: "m",
      options: { systemPrompt: "S", truncationStrategy: "rollingWindow" },
      messages: MESSAGES,
    });
    if (process.platform !== "win32") expect((await stat(path)).mode & 0o777).toBe(0o600);
    await run("/clear");
    await run("/system other");
    await run(`/load ${path}`);
    expect(state.session.messages).toEqual(MESSAGES);
    expect(state.session.options.systemPrompt).toBe("S");
  });

  test("/load refuses what /save did not write, and keeps the conversation", async () => {
    const path = join(folder, "chat.json");
    await expect(run(`/load ${path}`)).rejects.toThrow("there is no such file");
    for (const [text, problem] of [
      ["no json", "it is no JSON"],
      ["{}", `its format is not "abstractllm-session"`],
      ['{"format":"abstractllm-session","version":2}', "this release reads version 1"],
    ] as const) {
      await writeFile(path, text);
      await expect(run(`/load ${path}`)).rejects.toThrow(problem);
    }
    expect(state.session.messages).toEqual(MESSAGES);
  });

  test("/load brings a session that a program saved; /set then wins over its options", async () => {
    const path = join(folder, "session.json");
    const options = { temperature: 0.1, topP: 0.5 };
    await new Session(state.session.llm, { ...options, messages: MESSAGES }).save(path);
    await run(`/load ${path}`);
    expect(state.session.options).toEqual(options);
    await run("/set temperature 1");
    expect(state.session.options).toEqual({ topP: 0.5 });
    expect(state.session.llm.getParam("temperature")).toBe(1);
  });

  test("/set changes an option as the library would, and lists them", async () => {
    await run("/set top_k 5");
    await run("/set stop END");
    const { llm } = state.session;
    expect([llm.getParam("topK"), llm.getParam("stop")]).toEqual([5, ["END"]]);
    await run("/set top_k");
    expect(llm.getParam("topK")).toBeUndefined();
    await run("/set");
    expect(printed).toMatch(/^stop +\["END"\]$/m);
    await expect(run("/set temprature 1")).rejects.toThrow('did you mean "temperature"?');
    await expect(run("/set temperature hot")).rejects.toThrow("Expected number between 0 and 2");
  });

  test("/exit and /quit end the chat, the others do not", async () => {
    expect([await run("/exit"), await run("/quit"), await run("/clear")]).toEqual([
      "exit",
      "exit",
      undefined,
    ]);
  });

  test("that are unknown or incomplete are refused with what to type", async () => {
    await expect(run("/zzzzzz")).rejects.toThrow("Unknown command /zzzzzz. See /help");
    await expect(run("/sistem")).rejects.toThrow("Unknown command /sistem; did you mean /system?");
    await expect(run("/save")).rejects.toThrow("/save chat.json");
    await expect(run("/stats")).rejects.toThrow("no answer yet");
  });
});
