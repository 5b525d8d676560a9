import {
  either,
  flag,
  HARMLESS,
  integer,
  listOf,
  nonEmptyText,
  number,
  object,
  oneOf,
  positiveInteger,
  refused,
  required,
  text,
} from "../../../fields/index.ts";
import { choiceCheck } from "../../tool-choice.ts";

/** Has the log probabilities of the text's tokens included. */
export const LOGPROBS = "message.output_text.logprobs";

/** What answers may be asked to include. */
const INCLUDABLE = oneOf("reasoning.encrypted_content", LOGPROBS);

const NOTHING_STORED = "nothing is stored; send the whole conversation as input";

/** What becomes of each field of `/v1/responses`. */
export const RESPONSES_FIELDS = {
  model: required(nonEmptyText),
  input: required(either(text, listOf(object))),
  instructions: text,
  max_output_tokens: positiveInteger,
  temperature: number,
  top_p: number,
  stream: flag,
  tools: listOf(object),
  tool_choice: choiceCheck,
  parallel_tool_calls: flag,
  text: object,
  reasoning: object,
  include: listOf(INCLUDABLE),
  top_logprobs: integer,
  metadata: object, // comes back with the answer
  previous_response_id: refused(NOTHING_STORED),
  conversation: refused(NOTHING_STORED),
  prompt: refused(NOTHING_STORED),
  background: refused("answers are waited for"),
  truncation: refused("shorten the conversation before it is sent", "disabled"),
  context_management: refused("shorten the conversation before it is sent"),
  moderation: refused("there is none"),
  max_tool_calls: HARMLESS, // of tools that a service runs, of which there are none
  store: HARMLESS, // nothing is kept, and nothing can be asked for later
  stream_options: HARMLESS,
  service_tier: HARMLESS,
  prompt_cache_key: HARMLESS,
  prompt_cache_retention: HARMLESS,
  prompt_cache_options: HARMLESS,
  safety_identifier: HARMLESS,
  user: HARMLESS,
} as const;
