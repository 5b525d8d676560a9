/** The files of a folder of prefixes: `<identity of the model>/<hash of the sequence>.safetensors`. */
import { readdirSync, rmSync, statSync, utimesSync } from "node:fs";
import { join } from "node:path";

const FOLDER = /^[0-9a-f]{32}$/;
const FILE = /^[0-9a-f]{32}\.safetensors$/;
const UNFINISHED = /^[0-9a-f]{32}\.[0-9a-f]{16}\.incomplete$/;
/** No file takes that long to be written: whoever wrote it is gone. */
const ABANDONED_MS = 3_600_000;

const namesIn = (folder: string, pattern: RegExp): string[] => {
  try {
    return readdirSync(folder).filter((name) => pattern.test(name));
  } catch {
    return []; // nobody wrote there yet, or it is not ours to read
  }
};

/** Paths of the finished files of one model. */
export const prefixFilesOf = (folder: string): string[] =>
  namesIn(folder, FILE).map((name) => join(folder, name));

const statOf = (path: string): { path: string; sizeBytes: number; usedMs: number }[] => {
  const info = statSync(path, { throwIfNoEntry: false }); // others may remove it meanwhile
  return info === undefined ? [] : [{ path, sizeBytes: info.size, usedMs: info.mtimeMs }];
};

/** Removes a file, unless somebody else does or the system forbids it. */
export const removeFile = (path: string): void => {
  try {
    rmSync(path, { force: true });
  } catch {
    // Windows keeps files that others read
  }
};

/** Says that a file is in use: others are removed before it. */
export const touchFile = (path: string): void => {
  const now = new Date();
  try {
    utimesSync(path, now, now);
  } catch {
    // it is gone, or another user's
  }
};

/** Removes what was used longest ago of all models' files, until they take no more than `maxBytes`. */
export const makeRoomIn = (root: string, maxBytes: number): void => {
  const folders = namesIn(root, FOLDER).map((name) => join(root, name));
  const unfinished = folders.flatMap((folder) =>
    namesIn(folder, UNFINISHED).map((name) => join(folder, name)),
  );
  const now = Date.now();
  for (const { path, usedMs } of unfinished.flatMap(statOf))
    if (now - usedMs > ABANDONED_MS) removeFile(path);
  const files = folders.flatMap(prefixFilesOf).flatMap(statOf);
  let bytes = files.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
  for (const { path, sizeBytes } of files.sort((a, b) => a.usedMs - b.usedMs)) {
    if (bytes <= maxBytes) return;
    removeFile(path);
    bytes -= sizeBytes;
  }
};
