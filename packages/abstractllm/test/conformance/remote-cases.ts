import { inspect } from "node:util";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { type AbstractLLM, createLLM, type LLMConfig, type StreamPart } from "../../src/index.ts";
import { type Behaviour, type Fault, HttpService, RESET } from "../services/http-service.ts";
import { takeWaits } from "./recorded-waits.ts";
import { type FaultRow, HTTP_FAULTS, type Outcome } from "./remote-faults.ts";

const PROMPT = "A prompt of its own kind: prompt-canary-4711";
const KEY_CANARY = /canary-key/;
const PROMPT_CANARY = /prompt-canary/;

/** A provider behind HTTP, and the service it speaks with. */
export interface RemoteSubject {
  readonly provider: string;
  readonly behaviour: Behaviour;
  /** What `createLLM` gets beside the address: a key with `canary-key` in it, where there is one. */
  readonly config: LLMConfig;
  /** What is appended to the service's origin. */
  readonly basePath: string;
  /** Faults of the service's own protocol. */
  readonly faults: readonly FaultRow[];
}

/** What every provider behind HTTP does when things go wrong. Needs `wait.ts` replaced by `recorded-waits.ts`. */
export function remoteCases(subject: RemoteSubject): void {
  describe("behind a service that fails", () => {
    let service: HttpService;
    let llm: AbstractLLM;
    let regular = "";

    const open = (config: LLMConfig = {}) =>
      createLLM(subject.provider, {
        ...subject.config,
        baseUrl: service.origin + subject.basePath,
        temperature: 0,
        ...config,
      });

    beforeAll(async () => {
      service = await HttpService.start(subject.behaviour);
      llm = await open();
      regular = (await llm.generate(PROMPT)).text;
    });
    beforeEach(() => {
      service.requests.length = 0;
      service.faults.length = 0;
      takeWaits();
    });
    afterAll(() => service.stop());

    test.each([...HTTP_FAULTS, ...subject.faults])("%s", async (_, faults, outcome) => {
      service.faults.push(...faults);
      const timeout = "error" in outcome && outcome.error === "RequestTimeoutError" ? 300 : 60_000;
      const parts: StreamPart[] = [];
      const stream = llm.stream(PROMPT, { timeout });
      for await (const part of stream) parts.push(part);
      check(outcome, parts, service.requests.length, regular);
      expect(inspect(parts, { depth: 20, showHidden: true })).not.toMatch(KEY_CANARY);
      await expect(llm.generate(PROMPT)).resolves.toMatchObject({ text: regular });
    });

    test("nobody listens: says where, and what to do", async () => {
      const gone = await HttpService.start(subject.behaviour);
      const { origin } = gone;
      await gone.stop();
      const error = await (await open({ baseUrl: origin + subject.basePath }))
        .generate(PROMPT)
        .catch((e) => e);
      expect(error).toMatchObject({
        name: "ProviderConnectionError",
        retryable: true,
        provider: subject.provider,
      });
      expect(error.message).toContain(`Nothing listens at ${origin}`);
      expect(takeWaits()).toHaveLength(2);
    });

    test("retries as often as maxRetries says", async () => {
      for (const maxRetries of [0, 1, 4]) {
        service.requests.length = 0;
        service.faults.push(...Array<Fault>(maxRetries + 1).fill(() => "reset"));
        await expect((await open({ maxRetries })).generate(PROMPT)).rejects.toMatchObject({
          retryable: true,
        });
        expect(service.requests).toHaveLength(maxRetries + 1);
      }
    });

    test("never repeats a request of which some answer was handed out", async () => {
      service.faults.push((answer) => ({ ...answer, body: [...answer.body.slice(0, 4), RESET] }));
      await expect(llm.generate(PROMPT)).rejects.toMatchObject({ name: "ProviderConnectionError" });
      expect(service.requests).toHaveLength(1);
      expect(takeWaits()).toEqual([]);
    });

    test("gives the same answer for any split of its bytes", async () => {
      for (let round = 0; round < 16; round++) {
        service.faults.push((answer) => ({ ...answer, body: splitAtRandom(answer.body as string[], round) }));
        expect((await llm.generate(PROMPT)).text).toBe(regular);
      }
    });

    test("reads a line of 50 MB", async () => {
      const word = "x".repeat(50 * 1024 * 1024);
      service.faults.push((answer) => ({ ...answer, body: [lengthen(answer.body.join(""), word)] }));
      const { text } = await llm.generate(PROMPT);
      expect(text.length).toBeGreaterThan(word.length);
    });

    test("follows a redirect to the same origin with the key, and to another without", async () => {
      const other = await HttpService.start(subject.behaviour);
      const to =
        (origin: string): Fault =>
        (_, { path }) => ({
          status: 307,
          headers: { location: `${origin}${path}` },
          body: [],
        });
      const withHeaders = await open({ headers: { "X-Extra": "header-canary-key" } });
      service.faults.push(to(""));
      expect((await withHeaders.generate(PROMPT)).text).toBe(regular);
      const [first, second] = service.requests.map(({ headers }) => headers);
      expect(second?.authorization).toBe(first?.authorization);
      expect(second?.["x-extra"]).toBe("header-canary-key");
      service.faults.push(to(other.origin));
      await withHeaders.generate(PROMPT).catch(() => {});
      expect(other.requests).toHaveLength(1);
      expect(JSON.stringify(other.requests[0]?.headers)).not.toMatch(KEY_CANARY);
      await other.stop();
    });

    test("keeps keys and prompts out of errors that repeat them", async () => {
      const repeat: Fault = (_, { headers, body }) => ({
        status: 400,
        headers: { "content-type": "application/json" },
        body: [
          JSON.stringify({ error: { message: `Bad ${JSON.stringify(headers)} ${JSON.stringify(body)}` } }),
        ],
      });
      service.faults.push(repeat);
      const error = await llm.generate(PROMPT).catch((e) => e);
      expect(error.name).toBe("InvalidRequestError");
      for (const shown of [
        inspect(error, { depth: 20, showHidden: true }),
        JSON.stringify(error),
        `${error.stack}`,
      ]) {
        expect(shown).not.toMatch(KEY_CANARY);
        expect(shown).not.toMatch(PROMPT_CANARY);
      }
    });

    test("shows no key in the settings or in the object", async () => {
      const secretive = await open({ headers: { "x-extra": "header-canary-key" } });
      for (const value of [secretive, secretive.getConfig()]) {
        expect(inspect(value, { depth: 20 })).not.toMatch(KEY_CANARY);
        expect(JSON.stringify(value)).not.toMatch(KEY_CANARY);
      }
    });

    test("sends the user's headers over its own", async () => {
      await (await open({ headers: { "User-Agent": "mine/1" } })).generate(PROMPT);
      expect(service.requests[0]?.headers["user-agent"]).toBe("mine/1");
    });

    test.each(["ftp://x/v1", "http://", "http://user:pass@127.0.0.1/v1", "http://127.0.0.1/v1?key=1"])(
      "refuses the address %j",
      async (baseUrl) => {
        await expect(open({ baseUrl })).rejects.toMatchObject({
          name: "InvalidParameterError",
          parameter: "baseUrl",
        });
      },
    );
  });
}

function check(outcome: Outcome, parts: readonly StreamPart[], requests: number, regular: string): void {
  const text = parts.map((part) => (part.type === "text-delta" ? part.text : "")).join("");
  const endings = parts.filter(({ type }) => type === "finish" || type === "error");
  expect(endings).toEqual([parts.at(-1)]);
  if ("answer" in outcome) {
    const { waits = [] } = outcome;
    expect(endings[0]).toMatchObject({ type: "finish" });
    expect(text).toBe(regular);
    expect(requests).toBe(waits.length + 1);
    const actual = takeWaits();
    expect(actual).toHaveLength(waits.length);
    for (const [index, wait] of waits.entries()) {
      const [min, max] = typeof wait === "number" ? [wait, wait] : wait;
      expect(actual[index]).toBeGreaterThanOrEqual(min);
      expect(actual[index]).toBeLessThanOrEqual(max);
    }
    return;
  }
  const { error, requests: expected, afterText, message, ...fields } = outcome;
  expect(endings[0]).toMatchObject({ type: "error", error: { name: error, ...fields } });
  if (message !== undefined) expect((endings[0] as { error: Error }).error.message).toContain(message);
  if (expected !== undefined) expect(requests).toBe(expected);
  expect(text !== "").toBe(afterText ?? false);
}

/** The same bytes in other pieces. */
function splitAtRandom(steps: readonly string[], seed: number): Uint8Array[] {
  const bytes = Buffer.from(steps.join(""));
  const pieces: Uint8Array[] = [];
  let state = seed + 1;
  for (let start = 0; start < bytes.length; ) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    const end = start + 1 + ((state >>> 16) % (seed % 2 === 0 ? 5 : 200));
    pieces.push(bytes.subarray(start, end));
    start = end;
  }
  return pieces;
}

/** Puts a long word into the first text of an answer. */
function lengthen(wire: string, word: string): string {
  return wire.replace(/("(?:content|delta)":")(?=[^"])/, (start) => start + word);
}
