import type { AdapterChoice, AdapterPart } from "../engine/types.ts";
import { InvalidArgumentError } from "../errors.ts";
import { type Adapter, checkStack, type StackPart, stackAdapters } from "../load/adapters/index.ts";
import type { LanguageModel } from "../models/index.ts";
import { checkOptionNames } from "../option-names.ts";

/** Stacks in memory: requests choose their scales, and each is as large as its parts together (CWE-400). */
const MOST_STACKS = 8;

/** Begins the names of stacks, as no name of an adapter does. */
const STACK = "\0";

const PART: Readonly<Record<keyof AdapterPart, true>> = { name: true, scale: true };

/** The adapters of one model, of which requests choose one by name or several with scales. */
export class ModelAdapters {
  readonly #model: LanguageModel;
  readonly #named: ReadonlyMap<string, Adapter>;
  /** Least recently used first. */
  readonly #stacks = new Map<string, Adapter>();

  constructor(model: LanguageModel, named: ReadonlyMap<string, Adapter>) {
    this.#model = model;
    this.#named = named;
  }

  get names(): string[] {
    return [...this.#named.keys()];
  }

  /**
   * The name of what a request chose: the same for the same adapters, in whatever order. Undefined for the model alone.
   *
   * @throws {InvalidArgumentError} for what is no choice of these adapters
   * @throws {MlxError} `unsupported-feature` for adapters that do not add up
   */
  nameOf(choice: AdapterChoice): string | undefined {
    const parts = partsIn(choice)
      .filter(({ scale }) => scale !== 0)
      .sort((a, b) => (a.name < b.name ? -1 : 1));
    const stack = this.#find(parts);
    const [first, second] = parts;
    if (first === undefined) return undefined;
    if (second === undefined && first.scale === 1) return first.name;
    checkStack(stack);
    return STACK + JSON.stringify(parts);
  }

  /** The adapters that a name from `nameOf` stands for. */
  partsOf(name: string | undefined): readonly Required<AdapterPart>[] {
    if (name === undefined) return [];
    return name.startsWith(STACK) ? JSON.parse(name.slice(STACK.length)) : [{ name, scale: 1 }];
  }

  #find(parts: readonly Required<AdapterPart>[]): StackPart[] {
    return parts.map((part) => {
      const adapter = this.#named.get(part.name);
      if (adapter === undefined) throw unknownAdapter(part.name, this.names);
      return { ...part, adapter };
    });
  }

  /** Lets the model compute with what a name from `nameOf` stands for from now on; by itself without one. */
  use(name: string | undefined): void {
    if (name === undefined) for (const adapter of this.#all()) adapter.remove();
    else (this.#named.get(name) ?? this.#stack(name)).apply();
  }

  *#all(): Iterable<Adapter> {
    yield* this.#named.values();
    yield* this.#stacks.values();
  }

  #stack(name: string): Adapter {
    const stack = this.#stacks.get(name) ?? stackAdapters(this.#model, this.#find(this.partsOf(name)));
    this.#stacks.delete(name);
    this.#stacks.set(name, stack);
    for (const [oldest, other] of this.#stacks) {
      if (this.#stacks.size <= MOST_STACKS) break;
      other.dispose();
      this.#stacks.delete(oldest);
    }
    return stack;
  }

  /** Frees the stacks, before the adapters that they are of. */
  dispose(): void {
    for (const stack of this.#stacks.values()) stack.dispose();
    this.#stacks.clear();
  }
}

/** What a request's choice names, all with scales. @throws {InvalidArgumentError} */
const partsIn = (choice: AdapterChoice): Required<AdapterPart>[] => {
  if (typeof choice === "string") return [{ name: choice, scale: 1 }];
  if (!Array.isArray(choice) || !choice.every(isPart))
    throw new InvalidArgumentError("Expected a name, or a list of { name, scale }, for adapter");
  const parts = choice.map(({ name, scale = 1 }) => ({ name, scale }));
  const names = new Set(parts.map(({ name }) => name));
  if (names.size < parts.length)
    throw new InvalidArgumentError(
      "Expected every adapter once; add up the scales of one that is there twice",
    );
  return parts;
};

const isPart = (part: unknown): part is AdapterPart => {
  if (typeof part !== "object" || part === null) return false;
  checkOptionNames(part, PART);
  const { name, scale = 1 } = part as Partial<AdapterPart>;
  return typeof name === "string" && Number.isFinite(scale);
};

const unknownAdapter = (name: string, names: readonly string[]): InvalidArgumentError => {
  const there = names.length === 0 ? "has none" : `has ${names.join(", ")}`;
  return new InvalidArgumentError(
    `There is no adapter ${JSON.stringify(name.slice(0, 40))}; the model ${there}`,
  );
};

/** The name of what a request chose of a model's adapters. @throws as `ModelAdapters.nameOf` */
export const adapterName = (
  choice: AdapterChoice | undefined,
  adapters: ModelAdapters | undefined,
): string | undefined => {
  if (choice === undefined) return undefined;
  if (adapters !== undefined) return adapters.nameOf(choice);
  const [first] = partsIn(choice);
  if (first !== undefined) throw unknownAdapter(first.name, []);
  return undefined;
};
