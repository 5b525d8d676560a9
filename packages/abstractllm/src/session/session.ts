import { randomUUID } from "node:crypto";
import { checkOptions } from "../config/check-options.ts";
import { record } from "../config/checks.ts";
import { describeValue } from "../config/describe-value.ts";
import type { Options } from "../config/option-table.ts";
import { ownOptions } from "../config/own-options.ts";
import { InvalidParameterError, InvalidRequestError, UnsupportedOperationError } from "../errors/index.ts";
import type { AbstractLLM } from "../interface/abstract-llm.ts";
import { checkLLM } from "../interface/check-llm.ts";
import type { GenerateOptions, GenerationDefaults } from "../interface/generate-options.ts";
import type { GenerateResponse, ObjectResponse } from "../interface/generate-response.ts";
import { LLMStream } from "../interface/llm-stream.ts";
import { type Message, MessageRole, type Prompt } from "../interface/message.ts";
import type { InferPartial, InferSchema, Schema } from "../interface/schema.ts";
import type { ToolCall } from "../interface/tool-call.ts";
import { type MediaPolicy, resolveMedia } from "../media/resolve-media.ts";
import { toMessages } from "../prompt/to-messages.ts";
import { withCallSignal } from "../providers/call-signal.ts";
import { ask } from "./ask.ts";
import { readSessionData, type SessionData, savedMessage, savedOptions } from "./session-file.ts";
import type { SessionOptions } from "./session-options.ts";
import { readJsonFile, writeAtomically } from "./text-file.ts";
import { pendingToolCalls } from "./turns.ts";

/**
 * A conversation with a model: it keeps what was said, and sends it along.
 *
 * A call that fails or is aborted leaves the history as it was. Files are read when they are sent, and what was read
 * stays in the history. One call at a time; `fork()` for several.
 *
 * @example
 * const session = new Session(llm, { systemPrompt: "Be brief." });
 * await session.send("My name is Ada.");
 * const { text } = await session.send("What is my name?");
 * await session.save("ada.json");
 */
export class Session {
  readonly id: string;
  /** The user's own notes; saved with the session. */
  metadata: Readonly<Record<string, unknown>>;
  #llm: AbstractLLM;
  #options: Options;
  #messages: readonly Message[];
  #isBusy = false;

  /**
   * @throws {InvalidParameterError} for what is no LLM, or an option that is unknown or has a bad value
   * @throws {InvalidRequestError} for a system message among `messages`
   */
  constructor(llm: AbstractLLM, options: SessionOptions = {}) {
    const { id = randomUUID(), metadata = {}, messages = [], ...defaults } = ownOptions(options);
    checkIdentity(id, metadata);
    this.id = id;
    this.metadata = metadata;
    this.#llm = checkLLM(llm);
    this.#options = checkDefaults(defaults, llm.provider);
    this.#messages = checkMessages(messages, llm.provider);
  }

  /** The model that answers. */
  get llm(): AbstractLLM {
    return this.#llm;
  }

  /** What was said so far, without the system prompt. */
  get messages(): readonly Message[] {
    return [...this.#messages];
  }

  /** System prompt, tools and defaults of calls. */
  get options(): Readonly<GenerationDefaults> {
    return { ...this.#options };
  }

  /** Tool calls that wait for their results: the next prompt begins with a tool message for each. */
  get pendingToolCalls(): ToolCall[] {
    return pendingToolCalls(this.#messages);
  }

  /**
   * Says something and waits for the answer.
   *
   * @param prompt - a text, or messages of the user and results of tools
   * @throws {InvalidRequestError} when tool calls wait for results that `prompt` does not bring
   * @throws {UnsupportedOperationError} while another call runs
   * @throws what `llm.generate` throws
   */
  send<const S extends Schema>(
    prompt: Prompt,
    options: GenerateOptions & { schema: S; tools?: undefined },
  ): Promise<ObjectResponse<InferSchema<S>>>;
  send<const S extends Schema>(
    prompt: Prompt,
    options: GenerateOptions & { schema: S },
  ): Promise<ObjectResponse<InferSchema<S> | undefined>>;
  send(prompt: Prompt, options?: GenerateOptions): Promise<GenerateResponse>;
  async send(prompt: Prompt, options?: GenerateOptions): Promise<GenerateResponse> {
    return this.stream(prompt, options).response;
  }

  /** The same as `send`, part by part. The history has the answer when the stream has ended. */
  stream<const S extends Schema>(
    prompt: Prompt,
    options: GenerateOptions & { schema: S; tools?: undefined },
  ): LLMStream<ObjectResponse<InferSchema<S>>, InferPartial<S>>;
  stream<const S extends Schema>(
    prompt: Prompt,
    options: GenerateOptions & { schema: S },
  ): LLMStream<ObjectResponse<InferSchema<S> | undefined>, InferPartial<S>>;
  stream(prompt: Prompt, options?: GenerateOptions): LLMStream;
  stream(prompt: Prompt, options: GenerateOptions = {}): LLMStream {
    const {
      files = [],
      signal,
      stream: _,
      ...own
    } = checkOptions(options, {
      scope: "call",
      provider: this.#llm.provider,
    });
    const call = ownOptions<Options>({ ...this.#options, ...own });
    let said: readonly Message[] = this.#checkPrompt(prompt);
    const [llm, history] = [this.#llm, this.#messages];
    const { provider } = llm;
    this.#isBusy = true;
    const answer = new LLMStream((emit, streamSignal) =>
      withCallSignal(
        { signals: [signal, streamSignal], timeoutMs: call.timeout, provider },
        async (inner) => {
          said = await resolveMedia(said, files, this.#mediaPolicy(call, inner));
          return ask(llm, [...history, ...said], { ...call, signal: inner }, emit);
        },
      ),
    );
    answer.response.then(
      ({ messages }) => this.#leave([...history, ...said, ...messages]),
      () => this.#leave(history),
    );
    return answer;
  }

  /** Changes system prompt, tools or defaults from the next call on; `undefined` takes one back. */
  updateConfig(options: GenerationDefaults): void {
    const checked = checkDefaults(options, this.#llm.provider);
    const next: Options = { ...this.#options };
    for (const name of Object.keys(options) as (keyof GenerationDefaults)[]) delete next[name];
    this.#options = { ...next, ...checked };
  }

  /**
   * Goes on with another model or provider. What only the former one understands, such as its signatures of reasoning,
   * is left out of the history.
   *
   * @throws {UnsupportedOperationError} while a call runs
   */
  switchTo(llm: AbstractLLM): void {
    this.#requireIdle("switchTo");
    checkLLM(llm);
    if (llm !== this.#llm) this.#messages = this.#messages.map(withoutProviderData);
    this.#llm = llm;
  }

  /** Forgets what was said. @throws {UnsupportedOperationError} while a call runs */
  clear(): void {
    this.#requireIdle("clear");
    this.#messages = [];
  }

  /** Another session with the same past; both go their own ways. */
  fork(id?: string): Session {
    return new Session(this.#llm, {
      ...this.#options,
      id,
      metadata: structuredClone(this.metadata),
      messages: this.#messages,
    });
  }

  /** The session as JSON that `restore` takes, for a database or a file. Images are written out as data URLs. */
  async export({
    signal = new AbortController().signal,
  }: {
    signal?: AbortSignal;
  } = {}): Promise<SessionData> {
    const model = this.#llm.getParam("model");
    const policy = this.#mediaPolicy(this.#options, signal);
    const resolved = await Promise.all(this.#messages.map((message) => resolveMedia([message], [], policy)));
    const messages = await Promise.all(resolved.flat().map((message) => savedMessage(message, signal)));
    return {
      format: "abstractllm-session",
      version: 1,
      id: this.id,
      metadata: this.metadata,
      provider: this.#llm.provider,
      ...(model === undefined ? {} : { model }),
      options: savedOptions(this.#options),
      messages,
    };
  }

  /**
   * A session from what `export` gave.
   *
   * @param options - win over those that were saved; tools, schemas and functions are given again here
   * @throws {FileProcessingError} when `data` is something else
   */
  static restore(data: unknown, llm: AbstractLLM, options: SessionOptions = {}): Session {
    return restore(readSessionData(data, "data"), llm, options);
  }

  /**
   * Writes the session to a file, whole or not at all.
   *
   * @throws {FileProcessingError} when it cannot be written
   */
  async save(path: string): Promise<void> {
    await writeAtomically(path, `${JSON.stringify(await this.export(), undefined, 2)}\n`);
  }

  /** A session from a file that `save` wrote; see `restore`. */
  static async load(path: string, llm: AbstractLLM, options: SessionOptions = {}): Promise<Session> {
    return restore(readSessionData(await readJsonFile(path), path), llm, options);
  }

  #checkPrompt(prompt: Prompt): Message[] {
    this.#requireIdle("send");
    const { provider } = this.#llm;
    const said = refuseSystem(toMessages(prompt, { text: undefined, fromCall: false }, provider), provider);
    const pending = pendingToolCalls([...this.#messages, ...said]);
    if (pending.length === 0) return said;
    const names = pending.map(({ id, name }) => `${name} (${id})`).join(", ");
    const message = `Tool calls wait for results: ${names}; send a tool message for each, or call clear()`;
    throw new InvalidRequestError(message, { provider });
  }

  #requireIdle(operation: string): void {
    if (!this.#isBusy) return;
    const reason = "a call of this session is running; wait for its end, or fork() the session before";
    throw new UnsupportedOperationError(operation, reason);
  }

  #leave(messages: readonly Message[]): void {
    this.#messages = messages;
    this.#isBusy = false;
  }

  /** Whether the model takes images, and how finely it looks, is the model's own affair. */
  #mediaPolicy(call: Options, signal: AbortSignal): MediaPolicy {
    const { allowPrivateUrls = this.#llm.getParam("allowPrivateUrls") } = call;
    const { provider } = this.#llm;
    return { requireVision: () => {}, imageDetail: undefined, allowPrivateUrls, signal, provider };
  }
}

function restore(data: SessionData, llm: AbstractLLM, options: SessionOptions): Session {
  const { id, metadata } = data;
  const isSameModel = data.provider === llm.provider && data.model === llm.getParam("model");
  const messages = isSameModel ? data.messages : data.messages.map(withoutProviderData);
  return new Session(llm, { ...data.options, id, metadata, messages, ...options });
}

function checkIdentity(id: string, metadata: unknown): void {
  if (typeof id !== "string" || !/^[a-z0-9][a-z0-9_-]{0,63}$/.test(id)) {
    const expected = "1 to 64 lower-case letters, digits, _ and -, the first a letter or digit";
    throw new InvalidParameterError(
      "id",
      id,
      `Expected ${expected} for id but received ${describeValue(id)}`,
    );
  }
  if (!record.accepts(metadata)) {
    const message = `Expected object for metadata but received ${describeValue(metadata)}`;
    throw new InvalidParameterError("metadata", undefined, message);
  }
}

/** Options of a session are those of a call that can also stand in a configuration. */
function checkDefaults(options: object, provider: string): Options {
  checkOptions(options, { scope: "config", provider });
  return checkOptions(options, { scope: "call", provider });
}

function checkMessages(messages: readonly Message[], provider: string): Message[] {
  if (Array.isArray(messages) && messages.length === 0) return [];
  return refuseSystem(toMessages(messages, { text: undefined, fromCall: false }, provider), provider);
}

function refuseSystem(messages: Message[], provider: string): Message[] {
  if (messages.every(({ role }) => role !== MessageRole.SYSTEM)) return messages;
  const message = "A session's system message is its option systemPrompt; leave it out of the messages";
  throw new InvalidRequestError(message, { provider });
}

function withoutProviderData(message: Message): Message {
  if (message.role !== MessageRole.ASSISTANT) return message;
  const { providerData: _, ...rest } = message;
  return rest;
}
