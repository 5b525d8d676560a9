import {
  either,
  flag,
  HARMLESS,
  integer,
  listOf,
  nonEmptyText,
  number,
  object,
  positiveInteger,
  refused,
  required,
  text,
} from "../../fields/index.ts";

/** What becomes of each field of `/v1/messages/count_tokens`. */
export const COUNT_FIELDS = {
  model: required(nonEmptyText),
  messages: required(listOf(object)),
  system: either(text, listOf(object)),
  tools: listOf(object),
  tool_choice: object,
  thinking: object,
  output_config: object,
  output_format: object, // the older name of output_config.format
  container: refused("nothing is run here"),
  mcp_servers: refused("give their tools as tools"),
  context_management: refused("shorten the conversation before it is sent"),
  speed: refused("models run as fast as they can", "standard"),
  cache_control: HARMLESS,
  metadata: HARMLESS,
  service_tier: HARMLESS,
  inference_geo: HARMLESS,
  diagnostics: HARMLESS,
  user_profile_id: HARMLESS,
  workspace_id: HARMLESS,
} as const;

/** What becomes of each field of `/v1/messages`. */
export const MESSAGES_FIELDS = {
  ...COUNT_FIELDS,
  max_tokens: required(positiveInteger),
  stream: flag,
  temperature: number,
  top_p: number,
  top_k: integer,
  stop_sequences: listOf(text),
} as const;
