import type { AbstractLLM } from "../../interface/abstract-llm.ts";
import type { GenerateResponse } from "../../interface/generate-response.ts";
import type { Message } from "../../interface/message.ts";
import { Session } from "../../session/index.ts";

/** A conversation on the terminal; its system prompt is the session's, the other settings are the LLM's own. */
export interface ChatState {
  session: Session;
  /** The last answer, for `/stats`. */
  last?: GenerateResponse;
}

/** A conversation that begins: the system prompt moves from the LLM to the session, which is saved with it. */
export function beginChat(llm: AbstractLLM): ChatState {
  const systemPrompt = llm.getParam("systemPrompt");
  llm.updateConfig({ systemPrompt: undefined });
  // who talks on should not be stopped by the length of the conversation
  return { session: new Session(llm, { systemPrompt, truncationStrategy: "rollingWindow" }) };
}

/** The same session with another past. */
export function withPast({ llm, id, metadata, options }: Session, messages: readonly Message[]): Session {
  return new Session(llm, { ...options, id, metadata, messages });
}
