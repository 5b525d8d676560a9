import { readFile } from "node:fs/promises";
import { InvalidParameterError } from "abstractllm";
import { object } from "../fields/index.ts";
import { createServer, type ModelServer } from "../server/create-server.ts";
import { packageVersion } from "../server/package-version.ts";
import type { RequestFailure, ServerOptions } from "../server/server-options.ts";
import { helpText, readFlags } from "./flags.ts";
import { nameFlags } from "./name-flags.ts";
import { toOptions } from "./to-options.ts";

/** Only these are the server's own failures, and for its log. */
const OWN_FAILURES = 500;

/** What the program writes to and hears from. */
export interface Program {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Writes to stdout. */
  print(text: string): void;
  /** Writes a line to stderr. */
  note(text: string): void;
  /** Resolves when the server is to end. */
  stopped(): Promise<unknown>;
}

/** Runs the server until it is told to stop. @returns the exit status */
export async function runProgram(args: readonly string[], program: Program): Promise<number> {
  try {
    return await run(args, program);
  } catch (error) {
    program.note(`error: ${error instanceof Error ? plain(error.message) : String(error)}`);
    return InvalidParameterError.isInstance(error) ? 2 : 1;
  }
}

async function run(args: readonly string[], { env, print, note, stopped }: Program): Promise<number> {
  const given = readFlags(args);
  if (given.help === true) print(helpText());
  else if (given.version === true) print(`${packageVersion()}\n`);
  else {
    const file = given.config === undefined ? {} : await readOptions(given.config);
    const options = toOptions(given, file, env.ABSTRACTLLM_SERVER_API_KEY);
    const logged = { ...options, onFailure: (failure: RequestFailure) => logFailure(failure, note) };
    const server = given.config === undefined ? createByFlags(logged) : createServer(logged);
    print(`Listening at ${await server.listen()}\n`);
    await stopped();
    note("Stopping; answers have ten seconds to finish");
    await server.close();
  }
  return 0;
}

/** A server whose options are all from flags, which its errors then name. @throws {InvalidParameterError} */
function createByFlags(options: ServerOptions): ModelServer {
  try {
    return createServer(options);
  } catch (cause) {
    if (!InvalidParameterError.isInstance(cause)) throw cause;
    throw new InvalidParameterError(cause.parameter, cause.value, nameFlags(cause.message), { cause });
  }
}

/** Options in a file. @throws {InvalidParameterError} when it cannot be used */
async function readOptions(path: string): Promise<ServerOptions> {
  try {
    const options: unknown = JSON.parse(await readFile(path, "utf8"));
    if (object.accepts(options)) return options;
  } catch (cause) {
    throw new InvalidParameterError("config", path, `${path} cannot be read: ${reasonOf(cause)}`);
  }
  throw new InvalidParameterError("config", path, `Expected an object of options in ${path}`);
}

/** A parser quotes the text, which may hold keys. */
function reasonOf(cause: unknown): string {
  if (cause instanceof SyntaxError) return "it is no JSON";
  const { code, message } = cause as NodeJS.ErrnoException;
  return code === "ENOENT" ? "there is no such file" : message;
}

function logFailure({ requestId, method, path, status, error }: RequestFailure, note: Program["note"]): void {
  if (status < OWN_FAILURES && status !== 200) return;
  note(plain(`${requestId} ${method} ${path} ${status} ${describe(error)}`));
}

function describe(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const cause = error.cause === undefined ? "" : `: ${describe(error.cause)}`;
  return `${error.name}: ${error.message}${cause}`;
}

/** Text without control characters, so that no request can write lines of its own into a log (CWE-117). */
function plain(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is taken out
  return text.replace(/[\x00-\x1f\x7f-\x9f]+/g, " ");
}
