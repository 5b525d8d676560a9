import { withPromptedTools } from "../../dialects/with-prompted-tools.ts";
import { UnsupportedFeatureError } from "../../errors/index.ts";
import type { DeltaPart } from "../../interface/stream-part.ts";
import type { ProviderAnswer, ProviderCall } from "../base-provider.ts";

/** Asks a model once, with tools as its server takes them. */
type Ask = (call: ProviderCall, emit: (part: DeltaPart) => void) => Promise<ProviderAnswer>;

/**
 * Gives tools to models of a server, some of which it cannot give any: these are told of them in their prompt. Which
 * models these are the server says when it is asked, or the option `capabilities`. A schema must be in the prompt
 * already, as an answer that is held to it could call no tool.
 */
export class ToolFallback {
  /** Models that the server gave no tools. */
  readonly #refused = new Set<string>();

  async answer(call: ProviderCall, emit: (part: DeltaPart) => void, ask: Ask): Promise<ProviderAnswer> {
    const { model = "", capabilities } = call.options;
    const canBeGiven = capabilities?.tools ?? !this.#refused.has(model);
    const { schema: _, ...plain } = call;
    const prompted = call.tools.length === 0 ? call : plain;
    if (!canBeGiven) return withPromptedTools(prompted, emit, ask);
    try {
      return await ask(call, emit);
    } catch (error) {
      const isRefused = UnsupportedFeatureError.isInstance(error) && error.feature === "tool_use";
      if (!isRefused || capabilities?.tools === true) throw error;
      this.#refused.add(model);
      return withPromptedTools(prompted, emit, ask);
    }
  }
}
