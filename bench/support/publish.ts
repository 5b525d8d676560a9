/** Results of record, and the documentation made from them. */
import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { renderResult } from "./render.ts";
import type { Result } from "./result.ts";

const START = "<!-- results: written by `npm run bench -- --publish` -->";
const END = "<!-- end of results -->";

/** Gives files the layout of the rest of the repository. @param root - of the repository */
export const formatFiles = (root: string, paths: readonly string[]): void => {
  const biome = join(root, "node_modules", "@biomejs", "biome", "bin", "biome");
  execFileSync(process.execPath, [biome, "format", "--write", ...paths], { cwd: root });
};

/** Writes a result as JSON into a folder. @returns its path */
export const storeResult = (folder: string, result: Result): string => {
  mkdirSync(folder, { recursive: true });
  const path = join(folder, `${result.benchmark}.json`);
  writeFileSync(path, `${JSON.stringify(result, null, 2)}\n`);
  return path;
};

/**
 * Puts every stored result between the marks of the document.
 *
 * @param folder - of the results
 * @param order - names of the benchmarks
 * @throws {Error} when the document has no marks
 */
export const writeResultsInto = (document: string, folder: string, order: readonly string[]): void => {
  const text = readFileSync(document, "utf8");
  const start = text.indexOf(START);
  const end = text.indexOf(END);
  if (start < 0 || end < start) throw new Error(`${document} lacks the lines ${START} and ${END}`);
  const stored = existsSync(folder) ? readdirSync(folder) : [];
  const sections = order
    .filter((name) => stored.includes(`${name}.json`))
    .map((name) => renderResult(JSON.parse(readFileSync(join(folder, `${name}.json`), "utf8")) as Result, 3));
  const body = sections.length === 0 ? "No results are stored yet." : sections.join("\n\n");
  writeFileSync(document, `${text.slice(0, start)}${START}\n\n${body}\n\n${text.slice(end)}`);
};
