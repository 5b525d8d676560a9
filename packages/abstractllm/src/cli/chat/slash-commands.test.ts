import { mkdtemp, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { ConfigurationManager } from "../../config/index.ts";
import type { Message } from "../../interface/message.ts";
import type { Terminal } from "../terminal.ts";
import type { ChatState } from "./chat-state.ts";
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
  // the commands only touch an LLM's settings
  const llm = new ConfigurationManager({ model: "m", systemPrompt: "S" }) as unknown as ChatState["llm"];
  state = { llm, messages: [...MESSAGES] };
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
    expect(state.llm.getParam("systemPrompt")).toBe("Be brief.");
    await run("/system -");
    expect(state.llm.getParam("systemPrompt")).toBeUndefined();
  });

  test("/clear and /retry forget", async () => {
    await run("/retry");
    expect(state.messages).toEqual([]);
    state.messages = [...MESSAGES];
    await run("/clear");
    expect(state.messages).toEqual([]);
  });

  test("/save and /load bring a conversation back, readable by its owner alone", async () => {
    const path = join(folder, "chat.json");
    await run(`/save ${path}`);
    expect(JSON.parse(await readFile(path, "utf8"))).toEqual({
      format: "abstractllm-chat",
      version: 1,
      model: "m",
      systemPrompt: "S",
      messages: MESSAGES,
    });
    if (process.platform !== "win32") expect((await stat(path)).mode & 0o777).toBe(0o600);
    await run("/clear");
    await run("/system other");
    await run(`/load ${path}`);
    expect(state.messages).toEqual(MESSAGES);
    expect(state.llm.getParam("systemPrompt")).toBe("S");
  });

  test("/load refuses what /save did not write, and keeps the conversation", async () => {
    const path = join(folder, "chat.json");
    await expect(run(`/load ${path}`)).rejects.toThrow("ENOENT");
    for (const text of [
      "no json",
      "{}",
      '{"format":"abstractllm-chat","version":1,"messages":[{"role":"x"}]}',
    ]) {
      await writeFile(path, text);
      await expect(run(`/load ${path}`)).rejects.toThrow("is not a conversation");
    }
    expect(state.messages).toEqual(MESSAGES);
  });

  test("/set changes an option as the library would, and lists them", async () => {
    await run("/set top_k 5");
    await run("/set stop END");
    expect([state.llm.getParam("topK"), state.llm.getParam("stop")]).toEqual([5, ["END"]]);
    await run("/set top_k");
    expect(state.llm.getParam("topK")).toBeUndefined();
    await run("/set");
    expect(printed).toContain('stop          ["END"]');
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
    await expect(run("/sistem")).rejects.toThrow("Unknown command /sistem; did you mean /system?");
    await expect(run("/save")).rejects.toThrow("/save chat.json");
    await expect(run("/stats")).rejects.toThrow("no answer yet");
  });
});
