import { mkdir, readFile, writeFile } from "node:fs/promises";
import { homedir } from "node:os";
import { dirname, join } from "node:path";
import { processEnvironment } from "../../config/read-environment.ts";

/** Enough for months, small enough to read at once. */
const MAX_LINES = 1000;

/** Where lines that were typed are kept: the XDG state folder, or the local application data on Windows. */
export function historyPath(): string {
  const { XDG_STATE_HOME, LOCALAPPDATA } = processEnvironment();
  const folder = XDG_STATE_HOME || LOCALAPPDATA || join(homedir(), ".local", "state");
  return join(folder, "abstractllm", "chat-history");
}

/** Lines of earlier chats, newest first as readline wants them; none where there is no file. */
export async function readHistory(path: string): Promise<string[]> {
  const text = await readFile(path, "utf8").catch(() => "");
  return text
    .split("\n")
    .filter((line) => line !== "")
    .slice(-MAX_LINES)
    .reverse();
}

/** Keeps the newest lines, for this user's eyes only. */
export async function writeHistory(path: string, newestFirst: readonly string[]): Promise<void> {
  await mkdir(dirname(path), { recursive: true, mode: 0o700 });
  const lines = newestFirst.slice(0, MAX_LINES).reverse();
  await writeFile(path, lines.map((line) => `${line}\n`).join(""), { mode: 0o600 });
}
