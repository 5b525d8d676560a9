import {
  type AbstractLLM,
  createLLM,
  deleteModel,
  downloadModel,
  InvalidParameterError,
  type ListedModel,
  type LoadedModelInfo,
  type ModelFilesOptions,
  modelSizeBytes,
  UnsupportedProviderError,
} from "abstractllm";
import { nonEmptyText } from "../fields/index.ts";
import { RequestProblem } from "../http/request-problem.ts";
import { isOpen, type ModelConfig, type ModelSource } from "./model-source.ts";

/** A model that was asked for. */
export interface RunningModel {
  readonly name: string;
  /** What it has in this machine's memory; nothing for models that run elsewhere. */
  readonly loaded: readonly LoadedModelInfo[];
}

/** The models that a server has, by the names that clients call them. */
export class ModelPool {
  readonly #sources: ReadonlyMap<string, ModelSource>;
  readonly #others: ModelConfig | undefined;
  readonly #opened = new Map<string, Promise<AbstractLLM>>();
  #lister: Promise<AbstractLLM> | undefined;

  /** @param others - the provider whose other models are served too */
  constructor(sources: Readonly<Record<string, ModelSource>>, others: ModelConfig | undefined) {
    const given = Object.entries(sources);
    this.#sources = new Map([...given.flatMap(withAdapters), ...given]); // a name that was given counts
    this.#others = others;
  }

  /**
   * The model of a name; its weights load with its first answer.
   *
   * @throws {RequestProblem} when there is none
   */
  async open(given: string, signal: AbortSignal): Promise<AbstractLLM> {
    for (const name of namesOf(given)) {
      const known = this.#opened.get(name);
      if (known !== undefined) return known;
      const source = this.#sources.get(name) ?? (await this.#other(name, signal));
      if (source !== undefined) return this.#opened.get(name) ?? this.#open(name, source);
    }
    const message = `The model ${JSON.stringify(given)} does not exist here; GET /v1/models lists those that do`;
    throw new RequestProblem("not-found", message, { param: "model" });
  }

  /** All models, those given by name first. */
  async list(signal: AbortSignal): Promise<ListedModel[]> {
    const named = [...this.#sources].map(async ([id, source]) => {
      return { id, ...(await sizeOf(source)), capabilities: {} };
    });
    const others = await this.#listOthers(signal);
    return [...(await Promise.all(named)), ...others.filter(({ id }) => !this.#sources.has(id))];
  }

  /**
   * Finds mistakes in what models are to be opened with; what may be there later, such as a key, is none.
   *
   * @throws {InvalidParameterError} naming the model
   */
  async check(): Promise<void> {
    const others = this.#others === undefined ? [] : [["otherModels", this.#others] as const];
    for (const [name, source] of [...this.#sources, ...others])
      if (!isOpen(source)) await tryToOpen(name, source);
  }

  /** Gives back what one name was opened to, until it is asked for again. */
  async giveBack(given: string): Promise<void> {
    const name = namesOf(given).find((each) => this.#opened.has(each));
    if (name === undefined || this.#isGiven(name)) return;
    const llm = this.#opened.get(name);
    this.#opened.delete(name);
    await (await llm)?.unload();
  }

  /**
   * Downloads a model that is served by its own name from then on.
   *
   * @throws {RequestProblem} where no such models are served
   */
  async download(given: string, options: Pick<ModelFilesOptions, "signal" | "onProgress">): Promise<void> {
    await downloadModel(repositoryOf(given), { ...this.#cache, ...options });
  }

  /**
   * Gives a model back and deletes its files.
   *
   * @throws {RequestProblem} for one that was given to the server by name, and where no others are served
   */
  async remove(given: string): Promise<void> {
    const cache = this.#cache;
    const name = namesOf(given).find((each) => this.#sources.has(each));
    if (name !== undefined) {
      const message = `The model ${JSON.stringify(name)} is one of this server's own, which clients cannot delete`;
      throw new RequestProblem("permission", message, { param: "model" });
    }
    await this.giveBack(given);
    await deleteModel(repositoryOf(given), cache);
  }

  /** The options of the provider whose models lie in the cache. */
  get #cache(): ModelConfig {
    if (this.#others?.provider === "mlx") return this.#others;
    const message = "The models of this server are set; it keeps none that clients could change";
    throw new RequestProblem("permission", message);
  }

  /** The models that were asked for and may be in use; those that lost their memory to others are not among them. */
  async running(): Promise<RunningModel[]> {
    const opened = [...this.#opened].map(async ([name, opening]): Promise<RunningModel[]> => {
      const llm = await opening.catch(() => undefined);
      const loaded = llm?.loadedModels?.();
      const isGone = llm === undefined || loaded?.length === 0;
      return isGone ? [] : [{ name, loaded: loaded ?? [] }];
    });
    return (await Promise.all(opened)).flat();
  }

  /** Gives back what was opened here. */
  async close(): Promise<void> {
    const opened = [...this.#opened].filter(([name]) => !this.#isGiven(name)).map(([, llm]) => llm);
    this.#opened.clear();
    await Promise.allSettled(opened.map(async (llm) => (await llm).unload()));
  }

  #isGiven(name: string): boolean {
    const source = this.#sources.get(name);
    return source !== undefined && isOpen(source);
  }

  #open(name: string, source: ModelSource): Promise<AbstractLLM> {
    const opening = isOpen(source) ? Promise.resolve(source) : createFrom(source);
    this.#opened.set(name, opening);
    opening.catch(() => this.#opened.delete(name)); // the next request tries again
    return opening;
  }

  async #other(name: string, signal: AbortSignal): Promise<ModelConfig | undefined> {
    const listed = await this.#listOthers(signal);
    if (this.#others === undefined || !listed.some(({ id }) => id === name)) return undefined;
    return { ...this.#others, model: name };
  }

  async #listOthers(signal: AbortSignal): Promise<ListedModel[]> {
    if (this.#others === undefined) return [];
    this.#lister ??= this.#openLister(this.#others);
    return (await this.#lister).listModels({ signal });
  }

  #openLister(others: ModelConfig): Promise<AbstractLLM> {
    const opening = createFrom(others);
    opening.catch(() => {
      this.#lister = undefined; // the next request tries again
    });
    return opening;
  }
}

/** A name, and the one that clients of Ollama may mean by it: they write the tag that a name without one stands for. */
const namesOf = (name: string): string[] => [name, ...(name.endsWith(":latest") ? [name.slice(0, -7)] : [])];

/** What the files of a model of mlx take; nothing for others, and for one that is not on this machine. */
async function sizeOf(source: ModelSource): Promise<Pick<ListedModel, "sizeBytes">> {
  if (isOpen(source) || source.provider !== "mlx" || !nonEmptyText.accepts(source.model)) return {};
  const sizeBytes = await modelSizeBytes(source.model, source).catch(() => undefined);
  return sizeBytes === undefined ? {} : { sizeBytes };
}

/** A repository of the hub by what clients of Ollama call it. */
const repositoryOf = (given: string): string =>
  given.replace(/^(?:https?:\/\/)?(?:hf\.co|huggingface\.co)\//, "").replace(/:latest$/, "");

/** A model, and each of its adapters as `name:adapter`; all share what is loaded. */
function withAdapters([name, source]: [string, ModelSource]): [string, ModelSource][] {
  const names = isOpen(source) ? [] : Object.keys(source.adapters ?? {});
  return [
    [name, source],
    ...names.map((adapter): [string, ModelSource] => [`${name}:${adapter}`, { ...source, adapter }]),
  ];
}

/** @throws {RequestProblem} when the server's own configuration does not do */
async function createFrom({ provider, ...config }: ModelConfig): Promise<AbstractLLM> {
  try {
    return await createLLM(provider, config);
  } catch (cause) {
    const message = "The model could not be opened; the server's log says why";
    throw new RequestProblem("server", message, { cause });
  }
}

/** @throws {InvalidParameterError} */
async function tryToOpen(name: string, { provider, ...config }: ModelConfig): Promise<void> {
  try {
    await createLLM(provider, config);
  } catch (cause) {
    if (!InvalidParameterError.isInstance(cause) && !UnsupportedProviderError.isInstance(cause)) return;
    throw new InvalidParameterError(
      "models",
      undefined,
      `The model ${name} cannot be opened: ${cause.message}`,
      {
        cause,
      },
    );
  }
}
