import {
  type AbstractLLM,
  createLLM,
  type LLMConfigInput,
  type ProviderName,
  UnsupportedFeatureError,
} from "abstractllm";

/** The LLMs of one provider, each opened once. */
export class LLMPool {
  readonly #provider: ProviderName;
  readonly #config: LLMConfigInput;
  readonly #opened = new Map<string, Promise<AbstractLLM>>();

  /** @param config - of every model */
  constructor(provider: ProviderName, config: LLMConfigInput) {
    this.#provider = provider;
    this.#config = config;
  }

  /** The LLM of a model; its weights load with its first answer. */
  open(model: string): Promise<AbstractLLM> {
    const known = this.#opened.get(model);
    if (known !== undefined) return known;
    const opening = openLLM(this.#provider, { ...this.#config, model });
    this.#opened.set(model, opening);
    opening.catch(() => this.#opened.delete(model)); // the next call tries again
    return opening;
  }

  /** Gives all models back. The next call opens its own anew. */
  async close(): Promise<void> {
    const opened = [...this.#opened.values()];
    this.#opened.clear();
    await Promise.allSettled(opened.map(async (llm) => (await llm).unload()));
  }
}

async function openLLM(provider: ProviderName, config: LLMConfigInput): Promise<AbstractLLM> {
  const llm = await createLLM(provider, config);
  if (llm.getParam("maxRetries") === undefined) leaveRetries(llm);
  return llm;
}

/** The AI SDK repeats calls itself; both together would ask nine times. */
function leaveRetries(llm: AbstractLLM): void {
  try {
    llm.updateConfig({ maxRetries: 0 });
  } catch (error) {
    if (!UnsupportedFeatureError.isInstance(error)) throw error; // a model in this process repeats nothing
  }
}
