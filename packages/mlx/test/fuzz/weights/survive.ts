import { expect } from "vitest";
import { WeightsError } from "../../../src/errors.ts";
import type { ByteReader } from "../../../src/weights/index.ts";

/** A hang, for files of a few hundred bytes; in processor time, which a busy machine does not stretch. */
const SLOWEST_MS = 1000;
const MOST_GROWTH_BYTES = 200 * 2 ** 20;

/** What a run has seen. */
export interface Survival {
  accepted: number;
  refused: number;
  /** How often each `details.problem` came up. */
  problems: Map<string, number>;
}

/** Bytes in memory that fail the test when a parser reads past them or asks for nonsense. */
export function strictReader(bytes: Uint8Array): ByteReader {
  return {
    size: bytes.byteLength,
    read(offset, length) {
      const isInside =
        Number.isSafeInteger(offset) && Number.isSafeInteger(length) && offset >= 0 && length >= 0;
      if (!isInside || offset + length > bytes.byteLength)
        throw new Error(`read [${offset}, +${length}] outside`);
      return bytes.subarray(offset, offset + length);
    },
  };
}

/** Counts how files fare: accepted and then proven by `check`, or refused with a `WeightsError`. Nothing else is allowed. */
export class SurvivalRun<T> {
  readonly seen: Survival = { accepted: 0, refused: 0, problems: new Map() };
  readonly #parse: (reader: ByteReader) => T;
  readonly #check: (result: T, bytes: Uint8Array) => void;
  readonly #startBytes = process.memoryUsage().rss;

  constructor(parse: (reader: ByteReader) => T, check: (result: T, bytes: Uint8Array) => void) {
    this.#parse = parse;
    this.#check = check;
  }

  /** Feeds one file. */
  feed(bytes: Uint8Array): void {
    const start = process.cpuUsage();
    const result = this.#attempt(bytes);
    if (process.cpuUsage(start).user / 1000 > SLOWEST_MS) throw new Error(`took over ${SLOWEST_MS} ms`);
    if (result !== undefined) this.#check(result, bytes);
  }

  /** Expects that the run grew the process by less than 200 MB. */
  expectBoundedMemory(): void {
    global.gc?.();
    expect(process.memoryUsage().rss - this.#startBytes).toBeLessThan(MOST_GROWTH_BYTES);
  }

  #attempt(bytes: Uint8Array): T | undefined {
    try {
      const result = this.#parse(strictReader(bytes));
      this.seen.accepted++;
      return result;
    } catch (error) {
      if (!(error instanceof WeightsError)) throw error;
      const problem = String(error.details.problem);
      this.seen.refused++;
      this.seen.problems.set(problem, (this.seen.problems.get(problem) ?? 0) + 1);
      return undefined;
    }
  }
}
