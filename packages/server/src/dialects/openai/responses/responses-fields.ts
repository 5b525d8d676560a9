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

/** The same in the query of an address, where a list of one is its item. */
export const INCLUDE = either(INCLUDABLE, listOf(INCLUDABLE));

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
  store: flag,
  previous_response_id: nonEmptyText,
  conversation: refused("there are none; go on with previous_response_id, or send it as input"),
  prompt: refused("no templates are kept; write it as instructions and input"),
  background: refused("no answer is made in the background; wait for it, or stream it"),
  truncation: refused("shorten the conversation before it is sent", "disabled"),
  context_management: refused("shorten the conversation before it is sent"),
  moderation: refused("there is none"),
  max_tool_calls: HARMLESS, // of tools that a service runs, of which there are none
  stream_options: HARMLESS,
  service_tier: HARMLESS,
  prompt_cache_key: HARMLESS,
  prompt_cache_retention: HARMLESS,
  prompt_cache_options: HARMLESS,
  safety_identifier: HARMLESS,
  user: HARMLESS,
} as const;

/** What becomes of each parameter of `GET /v1/responses/<id>`. */
export const RETRIEVE_FIELDS = {
  include: INCLUDE,
  stream: oneOf("false"), // it is complete
} as const;
