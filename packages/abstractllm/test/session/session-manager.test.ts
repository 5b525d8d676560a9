import { mkdtemp, readdir, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { beforeEach, expect, test } from "vitest";
import { SessionManager } from "../../src/index.ts";
import { ScriptedProvider } from "../support/scripted-provider.ts";

const llm = () => new ScriptedProvider([{ text: "Hello" }]);

let folder: string;
beforeEach(async () => {
  folder = join(await mkdtemp(join(tmpdir(), "sessions-")), "deep", "down");
});

test("keeps sessions from one program to the next", async () => {
  const first = new SessionManager(folder, llm(), { systemPrompt: "S" });
  expect(await first.list()).toEqual([]);
  const ada = first.create({ id: "ada" });
  first.create({ id: "con" });
  await ada.send("Hi");
  await first.saveAll();
  expect((await readdir(folder)).sort()).toEqual(["session-ada.json", "session-con.json"]);

  const second = new SessionManager(folder, llm());
  expect(await second.list()).toEqual(["ada", "con"]);
  const [one, same] = await Promise.all([second.get("ada"), second.get("ada")]);
  expect(one).toBe(same);
  expect(one?.messages).toEqual(ada.messages);
  expect(one?.options.systemPrompt).toBe("S");
  expect((await second.loadAll()).sessions.map(({ id }) => id)).toEqual(["ada", "con"]);
});

test("deletes a session with its file, once", async () => {
  const sessions = new SessionManager(folder, llm());
  sessions.create({ id: "a" });
  await sessions.saveAll();
  expect(await sessions.delete("a")).toBe(true);
  expect(await sessions.delete("a")).toBe(false);
  expect(await sessions.get("a")).toBeUndefined();
  expect(await readdir(folder)).toEqual([]);
});

test("never reads or deletes outside its folder", async () => {
  const sessions = new SessionManager(folder, llm());
  await sessions.saveAll();
  await writeFile(join(folder, "..", "session-x.json"), "{}");
  for (const id of ["../session-x", "../x", "/../../session-x"]) {
    expect(await sessions.get(id)).toBeUndefined();
    expect(await sessions.delete(id)).toBe(false);
    expect(() => sessions.create({ id })).toThrow("for id");
  }
  expect(await readdir(join(folder, ".."))).toContain("session-x.json");
});

test("loads the others when a file is broken, and says which", async () => {
  const first = new SessionManager(folder, llm());
  first.create({ id: "good" });
  await first.saveAll();
  await writeFile(join(folder, "session-bad.json"), "{");
  const { sessions, problems } = await new SessionManager(folder, llm()).loadAll();
  expect(sessions.map(({ id }) => id)).toEqual(["good"]);
  expect(problems).toEqual([expect.objectContaining({ filePath: join(folder, "session-bad.json") })]);
});

test("refuses a second session of the same id", () => {
  const sessions = new SessionManager(folder, llm());
  sessions.create({ id: "a" });
  expect(() => sessions.create({ id: "a" })).toThrow('There is a session "a" already');
});
