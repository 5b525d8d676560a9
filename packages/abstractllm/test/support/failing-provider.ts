import {
  type Capabilities,
  type DeltaPart,
  ModelCapability,
  type ProviderAnswer,
  type ProviderCall,
} from "../../src/index.ts";
import { ScriptedProvider } from "./scripted-provider.ts";

/** Throws its errors one after the other, then answers. */
export class FailingProvider extends ScriptedProvider {
  unloads = 0;
  readonly #errors: unknown[];
  readonly #capabilities: Partial<Capabilities>;
  readonly #before: string;
  readonly #readsPrompt: boolean;

  /**
   * @param before - text that is handed out before each error
   * @param readsPrompt - what the prompt takes is told before that
   */
  constructor(
    errors: readonly unknown[],
    { text = "Hello", capabilities = {} as Partial<Capabilities>, before = "", readsPrompt = false } = {},
  ) {
    super(Array.from({ length: 1000 }, () => ({ text })));
    this.#errors = [...errors];
    this.#capabilities = capabilities;
    this.#before = before;
    this.#readsPrompt = readsPrompt;
  }

  override getCapabilities(): Capabilities {
    return { ...super.getCapabilities(), ...this.#capabilities };
  }

  override async unload(): Promise<void> {
    this.unloads++;
  }

  protected override async respond(
    call: ProviderCall,
    emit: (part: DeltaPart) => void,
    signal: AbortSignal,
  ): Promise<ProviderAnswer> {
    if (this.#errors.length === 0) return super.respond(call, emit, signal);
    this.calls.push(call);
    if (this.#readsPrompt) emit({ type: "prompt-usage", inputTokens: 1, cachedInputTokens: 0 });
    if (this.#before !== "") emit({ type: "text-delta", text: this.#before });
    throw this.#errors.shift();
  }
}

/** A capability that no scripted provider has. */
export const SEEING: Partial<Capabilities> = { [ModelCapability.VISION]: true };
