import { mkdir, readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { nonEmptyString } from "../config/checks.ts";
import { describeValue } from "../config/describe-value.ts";
import { FileProcessingError, InvalidParameterError } from "../errors/index.ts";
import type { AbstractLLM } from "../interface/abstract-llm.ts";
import { checkLLM } from "../interface/check-llm.ts";
import { Session } from "./session.ts";
import type { SessionOptions } from "./session-options.ts";

/** The prefix keeps names apart that some systems reserve, such as `con.json` on Windows. */
const FILE = /^session-([a-z0-9][a-z0-9_-]{0,63})\.json$/;

/**
 * Sessions in a folder, one file each.
 *
 * @example
 * const sessions = new SessionManager("./sessions", llm);
 * const session = sessions.create({ id: "ada" });
 * await session.send("Hello");
 * await sessions.saveAll();
 */
export class SessionManager {
  readonly folder: string;
  readonly #llm: AbstractLLM;
  readonly #options: SessionOptions;
  readonly #sessions = new Map<string, Session>();

  /**
   * @param llm - answers in sessions that are created or loaded without another
   * @param options - of every session that is created or loaded, such as tools, which no file holds
   * @throws {InvalidParameterError} for what is no folder's name, or no LLM
   */
  constructor(folder: string, llm: AbstractLLM, options: Omit<SessionOptions, "id" | "messages"> = {}) {
    if (!nonEmptyString.accepts(folder)) {
      const message = `Expected ${nonEmptyString.expected} for folder but received ${describeValue(folder)}`;
      throw new InvalidParameterError("folder", undefined, message);
    }
    this.folder = folder;
    this.#llm = checkLLM(llm);
    this.#options = options;
  }

  /** A new session. @throws {InvalidParameterError} for an id that a session here already has */
  create(options: SessionOptions = {}, llm: AbstractLLM = this.#llm): Session {
    const session = new Session(llm, { ...this.#options, ...options });
    if (this.#sessions.has(session.id)) {
      throw new InvalidParameterError("id", session.id, `There is a session "${session.id}" already`);
    }
    this.#sessions.set(session.id, session);
    return session;
  }

  /** The session of this id, from its file where it is not open yet; undefined where there is none. */
  async get(id: string): Promise<Session | undefined> {
    const open = this.#sessions.get(id);
    if (open !== undefined || !(await this.#saved()).includes(id)) return open;
    const session = await Session.load(this.#path(id), this.#llm, { ...this.#options, id });
    const meanwhile = this.#sessions.get(id); // two calls at once give one session
    if (meanwhile !== undefined) return meanwhile;
    this.#sessions.set(id, session);
    return session;
  }

  /** Ids of the sessions that are open or saved, in order. */
  async list(): Promise<string[]> {
    return [...new Set([...this.#sessions.keys(), ...(await this.#saved())])].sort();
  }

  /** Forgets a session and its file; false where there was none. */
  async delete(id: string): Promise<boolean> {
    const isOpen = this.#sessions.delete(id);
    const isSaved = (await this.#saved()).includes(id);
    if (isSaved) await rm(this.#path(id), { force: true });
    return isOpen || isSaved;
  }

  /** Writes every open session to its file. @throws {FileProcessingError} when one cannot be written */
  async saveAll(): Promise<void> {
    await mkdir(this.folder, { recursive: true, mode: 0o700 });
    await Promise.all([...this.#sessions.values()].map((session) => session.save(this.#path(session.id))));
  }

  /** Opens every saved session. Those whose file is broken are left out, and `problems` says why. */
  async loadAll(): Promise<{ sessions: Session[]; problems: FileProcessingError[] }> {
    const sessions: Session[] = [];
    const problems: FileProcessingError[] = [];
    for (const id of await this.#saved()) {
      try {
        const session = await this.get(id);
        if (session !== undefined) sessions.push(session);
      } catch (error) {
        if (!FileProcessingError.isInstance(error)) throw error;
        problems.push(error);
      }
    }
    return { sessions, problems };
  }

  /** Only ids that a listing gave, or that a session has, become paths: no id leads out of the folder (CWE-22). */
  #path(id: string): string {
    return join(this.folder, `session-${id}.json`);
  }

  async #saved(): Promise<string[]> {
    try {
      return (await readdir(this.folder)).flatMap((name) => FILE.exec(name)?.[1] ?? []).sort();
    } catch (cause) {
      if ((cause as NodeJS.ErrnoException).code === "ENOENT") return [];
      const message = `Cannot read the folder ${this.folder}: ${(cause as Error).message}`;
      throw new FileProcessingError(message, { cause, filePath: this.folder });
    }
  }
}
