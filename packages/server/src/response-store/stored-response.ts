import type { JsonObject } from "../fields/index.ts";

/** A response of OpenAI's interface, as clients get it. */
export interface ResponseObject {
  readonly id: string;
  readonly output: readonly JsonObject[];
}

/** What is kept of a response. */
interface Kept {
  readonly response: ResponseObject;
  readonly input: readonly JsonObject[];
}

/** A finished response with its input, and the one that it follows. Kept as JSON, whose size is known. */
export class StoredResponse {
  /** Its own, without those of the responses before it. */
  readonly sizeBytes: number;
  /** With those of all responses before it. */
  readonly totalBytes: number;
  readonly previous: StoredResponse | undefined;
  readonly #json: Buffer;

  /** @param input - its own, without that of the responses before it */
  constructor(response: ResponseObject, input: readonly JsonObject[], previous: StoredResponse | undefined) {
    this.#json = Buffer.from(JSON.stringify({ response, input } satisfies Kept));
    this.sizeBytes = this.#json.length;
    this.totalBytes = this.sizeBytes + (previous?.totalBytes ?? 0);
    this.previous = previous;
  }

  /** The response as its client got it. */
  get response(): ResponseObject {
    return this.#kept.response;
  }

  /** All that it answers, the oldest first: its input behind the conversation that it goes on with. */
  get input(): JsonObject[] {
    return [...(this.previous?.conversation ?? []), ...this.#kept.input];
  }

  /** All that was said up to its end, the oldest first. */
  get conversation(): JsonObject[] {
    const turns: JsonObject[][] = [];
    for (let at: StoredResponse | undefined = this; at !== undefined; at = at.previous) {
      const { input, response } = at.#kept;
      turns.push([...input, ...response.output]);
    }
    return turns.reverse().flat();
  }

  get #kept(): Kept {
    return JSON.parse(this.#json.toString());
  }
}
