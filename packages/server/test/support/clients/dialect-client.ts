/** A turn of a conversation. */
interface Turn {
  readonly role: "user" | "assistant";
  readonly content: string;
}

/** What a client asks. */
export interface Ask {
  readonly turns: readonly Turn[];
  readonly system?: string;
  readonly stop?: string;
  readonly temperature?: number;
  readonly maxTokens?: number;
  /** Names of tools with a city as argument. */
  readonly tools?: readonly string[];
  readonly toolChoice?: "required";
  readonly schema?: Record<string, unknown>;
  /** A PNG in base64. */
  readonly image?: string;
  readonly signal?: AbortSignal;
  readonly model?: string;
}

/** What a client made of an answer. */
export interface Told {
  readonly text: string;
  readonly reasoning: string;
  readonly calls: readonly { readonly name: string; readonly input: unknown }[];
  readonly reason: string;
  readonly usage: readonly (number | undefined)[];
}

/** An official client, asked and read in one way. */
export interface DialectClient {
  readonly name: string;
  whole(ask: Ask): Promise<Told>;
  streamed(ask: Ask): Promise<Told>;
}

/** Arguments of every tool that clients give. */
export const PARAMETERS = {
  type: "object" as const,
  properties: { city: { type: "string" } },
  required: ["city"],
};

export const parse = (json: string): unknown => JSON.parse(json);
