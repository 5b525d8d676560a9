import type { GenerationDefaults } from "../interface/generate-options.ts";
import type { Message } from "../interface/message.ts";

/** What a session starts with: defaults of its calls, and what it is. */
export interface SessionOptions extends GenerationDefaults {
  /** Name of the session: 1 to 64 lower-case letters, digits, `_` and `-`. Default: random. */
  id?: string | undefined;
  /** The user's own notes, saved with the session; must be JSON. */
  metadata?: Readonly<Record<string, unknown>> | undefined;
  /** What was said before. Default: nothing. */
  messages?: readonly Message[] | undefined;
}
