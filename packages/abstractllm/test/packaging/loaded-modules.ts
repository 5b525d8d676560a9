import type { FreshProject } from "./fresh-project.ts";

/** Reports every module that is resolved. */
const HOOKS = `
import { writeSync } from "node:fs";
export async function resolve(specifier, context, next) {
  const result = await next(specifier, context);
  writeSync(2, result.url + "\\n");
  return result;
}`;
const dataUrl = (code: string) => `data:text/javascript,${encodeURIComponent(code)}`;
const REGISTER = dataUrl(
  `import { register } from "node:module"; register(${JSON.stringify(dataUrl(HOOKS))});`,
);

/** What a program printed, and the URLs of the files it loaded. */
export interface Loaded {
  readonly stdout: string;
  readonly files: readonly string[];
}

/** Runs a program of a project to its end. @throws {Error} when it fails */
export async function loadedModules(
  project: FreshProject,
  program: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<Loaded> {
  const { stdout, stderr, status } = await project.node(["--import", REGISTER, ...program], env);
  if (status !== 0) throw new Error(`it ended with ${status}:\n${stderr}`);
  return { stdout, files: [...new Set(stderr.split("\n").filter((line) => line.startsWith("file:")))] };
}
