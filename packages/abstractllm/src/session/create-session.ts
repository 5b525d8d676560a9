import { findOption, OPTION_TABLE } from "../config/option-table.ts";
import type { AbstractLLM } from "../interface/abstract-llm.ts";
import type { LLMConfig } from "../interface/llm-config.ts";
import { createLLM, type ProviderName } from "../registry/index.ts";
import { Session } from "./session.ts";
import type { SessionOptions } from "./session-options.ts";

/**
 * Begins a conversation, with a model that is there or one that is opened for it.
 *
 * @param options - of the session; with the name of a provider also where its model comes from
 * @throws what `createLLM` and `new Session` throw
 * @example
 * const session = await createSession("openai", { model: "gpt-4o", systemPrompt: "Be brief." });
 * const { text } = await session.send("Why is the sky blue?");
 */
export async function createSession(llm: AbstractLLM, options?: SessionOptions): Promise<Session>;
export async function createSession(
  provider: ProviderName,
  options?: SessionOptions & LLMConfig,
): Promise<Session>;
export async function createSession(
  llm: AbstractLLM | string,
  options: SessionOptions & LLMConfig = {},
): Promise<Session> {
  if (typeof llm !== "string") return new Session(llm, options);
  const entries = Object.entries(options);
  const config = Object.fromEntries(entries.filter(([key]) => isOfModel(key)));
  const own = Object.fromEntries(entries.filter(([key]) => !isOfModel(key)));
  return new Session(await createLLM(llm, config), own);
}

/** Whether an option says where a model comes from, rather than how it is asked. */
function isOfModel(key: string): boolean {
  const name = findOption(key);
  return name !== undefined && OPTION_TABLE[name].scope === "config";
}
