import type { JsonObject } from "../fields/index.ts";
import { type ResponseObject, StoredResponse } from "./stored-response.ts";

interface Limits {
  /** Responses that can be asked for by their ids. */
  readonly maxResponses: number;
  /** Of JSON, in all. */
  readonly maxBytes: number;
}

/**
 * Finished responses, in memory. The oldest go first; what later ones follow stays with these, also when it cannot be
 * asked for by its own id any more.
 */
export class ResponseStore {
  readonly #limits: Limits;
  readonly #byId = new Map<string, StoredResponse>();
  /** By how many each is held: its id, and responses that follow it. */
  readonly #holders = new Map<StoredResponse, number>();
  #sizeBytes = 0;

  constructor(limits: Limits) {
    this.#limits = limits;
  }

  /** How many responses it keeps at most. */
  get maxResponses(): number {
    return this.#limits.maxResponses;
  }

  /** Bytes of JSON that are kept. */
  get sizeBytes(): number {
    return this.#sizeBytes;
  }

  /** The response of an id; undefined where it never was, or went. */
  get(id: string): StoredResponse | undefined {
    return this.#byId.get(id);
  }

  /**
   * Keeps a response. One that is too large with what it follows is not kept, and costs no other its place.
   *
   * @param input - its own, without that of the responses before it
   * @param previous - the one that it follows; it may have gone in the meantime
   */
  add(response: ResponseObject, input: readonly JsonObject[], previous: StoredResponse | undefined): void {
    const stored = new StoredResponse(response, input, previous);
    if (stored.totalBytes > this.#limits.maxBytes) return;
    this.#byId.set(response.id, stored);
    this.#hold(stored);
    for (const id of this.#byId.keys()) {
      if (this.#byId.size <= this.#limits.maxResponses && this.#sizeBytes <= this.#limits.maxBytes) break;
      this.delete(id);
    }
  }

  /** Forgets the response of an id. @returns false where there is none */
  delete(id: string): boolean {
    const stored = this.#byId.get(id);
    if (stored === undefined) return false;
    this.#byId.delete(id);
    this.#release(stored);
    return true;
  }

  /** Counts a holder. The first one holds what the response follows, too. */
  #hold(stored: StoredResponse): void {
    for (let at: StoredResponse | undefined = stored; at !== undefined; at = at.previous) {
      const holders = this.#holders.get(at) ?? 0;
      this.#holders.set(at, holders + 1);
      if (holders > 0) return;
      this.#sizeBytes += at.sizeBytes;
    }
  }

  /** Counts a holder less. The last one releases what the response follows, too. */
  #release(stored: StoredResponse): void {
    for (let at: StoredResponse | undefined = stored; at !== undefined; at = at.previous) {
      const holders = (this.#holders.get(at) ?? 1) - 1;
      if (holders > 0) {
        this.#holders.set(at, holders);
        return;
      }
      this.#holders.delete(at);
      this.#sizeBytes -= at.sizeBytes;
    }
  }
}
