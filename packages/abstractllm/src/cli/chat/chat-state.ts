import type { AbstractLLM } from "../../interface/abstract-llm.ts";
import type { GenerateResponse } from "../../interface/generate-response.ts";
import type { Message } from "../../interface/message.ts";

/** A conversation on the terminal; its system prompt is the LLM's own setting. */
export interface ChatState {
  readonly llm: AbstractLLM;
  messages: Message[];
  /** The last answer, for `/stats`. */
  last?: GenerateResponse;
}
