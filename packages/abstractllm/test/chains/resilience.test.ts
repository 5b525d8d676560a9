import { describe, expect, test, vi } from "vitest";
import {
  CircuitBreaker,
  CircuitOpenError,
  type CircuitState,
  createFallbackChain,
  type DeltaPart,
  InvalidRequestError,
  ProviderConnectionError,
  QuotaExceededError,
  withCircuitBreaker,
  withHooks,
  withRetry,
} from "../../src/index.ts";
import { takeWaits } from "../conformance/recorded-waits.ts";
import { FailingProvider } from "../support/failing-provider.ts";

vi.mock("../../src/providers/remote/wait.ts", () => import("../conformance/recorded-waits.ts"));

const busy = (retryAfterMs?: number) => new QuotaExceededError("busy", { retryAfterMs });

describe("retries", () => {
  test("come with growing waits that are not the same twice, or the one the service asks for", async () => {
    const llm = new FailingProvider([busy(), busy(), busy(7)]);
    const told: unknown[] = [];
    const { text } = await withRetry(llm, { maxRetries: 3, onRetry: (retry) => told.push(retry) }).generate(
      "Hi",
    );
    expect(text).toBe("Hello");
    const [first = 0, second = 0, third] = takeWaits();
    expect(first).toBeGreaterThan(375 - 1);
    expect(first).toBeLessThanOrEqual(500);
    expect(second).toBeGreaterThan(750 - 1);
    expect(second).toBeLessThanOrEqual(1000);
    expect(third).toBe(7);
    expect(told).toMatchObject([{ attempt: 2 }, { attempt: 3 }, { attempt: 4, error: { retryAfterMs: 7 } }]);
  });

  test("end when they are used up, and never come for what would fail again", async () => {
    const llm = new FailingProvider([busy(), busy(), busy()]);
    await expect(withRetry(llm).generate("Hi")).rejects.toThrow("busy");
    expect(llm.calls).toHaveLength(3);
    const refused = new FailingProvider([new InvalidRequestError("no")]);
    await expect(withRetry(refused).generate("Hi")).rejects.toThrow("no");
    expect(refused.calls).toHaveLength(1);
    takeWaits();
  });

  test("never come once something of the answer was handed out", async () => {
    const llm = new FailingProvider([busy()], { before: "Once" });
    await expect(withRetry(llm).stream("Hi").response).rejects.toThrow("busy");
    expect(llm.calls).toHaveLength(1);
    expect(takeWaits()).toEqual([]);
  });

  test("come for an answer that broke before anybody saw it", async () => {
    const broken = () => new FailingProvider([busy()], { before: "Once", text: "Hello" });
    const llm = broken();
    expect((await withRetry(llm).generate("Hi")).text).toBe("Hello");
    expect(llm.calls).toHaveLength(2);
    const silent = await withHooks(withRetry(broken()), () => ({})).generate("Hi");
    expect(silent.text).toBe("Hello");
    const seen: DeltaPart[] = [];
    const watched = withHooks(withRetry(broken()), () => ({ onPart: (part) => seen.push(part) }));
    await expect(watched.generate("Hi")).rejects.toThrow("busy");
    expect(seen).toEqual([{ type: "text-delta", text: "Once" }]);
    takeWaits();
  });
});

describe("a circuit breaker", () => {
  /** A breaker with a clock that is set by hand. */
  function setUp(errors: readonly unknown[], halfOpenMaxCalls = 1) {
    const changes: CircuitState[] = [];
    const clock = { ms: 0 };
    const options = {
      failureThreshold: 2,
      recoveryTimeoutMs: 1000,
      halfOpenMaxCalls,
      onStateChange: (_: CircuitState, to: CircuitState) => changes.push(to),
    };
    const breaker = new CircuitBreaker(options, () => clock.ms);
    const service = new FailingProvider(errors);
    return { breaker, clock, changes, service, llm: withCircuitBreaker(service, breaker) };
  }
  const gone = () => new ProviderConnectionError("gone");

  test("opens after failures in a row, refuses calls for a while, and closes after a success", async () => {
    const { llm, clock, changes, service } = setUp([gone(), gone()]);
    await expect(llm.generate("Hi")).rejects.toThrow("gone");
    await expect(llm.generate("Hi")).rejects.toThrow("gone");
    clock.ms = 400;
    const refused = llm.generate("Hi");
    await expect(refused).rejects.toBeInstanceOf(CircuitOpenError);
    await expect(refused).rejects.toMatchObject({ retryable: true, retryAfterMs: 600 });
    expect(service.calls).toHaveLength(2);
    clock.ms = 1000;
    expect((await llm.generate("Hi")).text).toBe("Hello");
    expect(changes).toEqual(["open", "half-open", "closed"]);
  });

  test("opens again when the trial fails", async () => {
    const { llm, clock, changes, breaker } = setUp([gone(), gone(), gone()]);
    for (const ms of [0, 0, 1000]) {
      clock.ms = ms;
      await expect(llm.generate("Hi")).rejects.toThrow("gone");
    }
    expect(changes).toEqual(["open", "half-open", "open"]);
    clock.ms = 1999;
    await expect(llm.generate("Hi")).rejects.toBeInstanceOf(CircuitOpenError);
    expect(breaker.state).toBe("open");
  });

  test("lets only so many calls through at once while it tries, also after a trial that was aborted", async () => {
    const { breaker, clock } = setUp([]);
    const fail = () =>
      breaker.run(
        () => Promise.reject(gone()),
        () => true,
      );
    await expect(fail()).rejects.toThrow();
    await expect(fail()).rejects.toThrow();
    clock.ms = 1000;
    let stop = (_: Error) => {};
    const trial = breaker.run(
      () => new Promise<void>((_, reject) => (stop = reject)),
      () => false,
    );
    await expect(
      breaker.run(
        async () => 1,
        () => true,
      ),
    ).rejects.toThrow("while another one tries");
    stop(new Error("aborted"));
    await expect(trial).rejects.toThrow("aborted");
    expect(breaker.state).toBe("half-open");
    expect(
      await breaker.run(
        async () => 2,
        () => true,
      ),
    ).toBe(2);
    expect(breaker.state).toBe("closed");
  });

  test("counts neither refusals with good reason, nor aborts, nor failures with a success between them", async () => {
    const no = new InvalidRequestError("no");
    const { llm, breaker, service } = setUp([no, no, no, gone()]);
    for (let call = 0; call < 4; call++) await expect(llm.generate("Hi")).rejects.toThrow();
    await llm.generate("Hi");
    const aborted = llm.generate("Hi", { signal: AbortSignal.abort(new Error("stop")) });
    await expect(aborted).rejects.toThrow("stop");
    expect(breaker.state).toBe("closed");
    expect(service.calls).toHaveLength(5);
  });

  test("leaves its place in a chain to the next member while it is open", async () => {
    const { llm, breaker, service } = setUp([gone(), gone()]);
    const chain = await createFallbackChain([llm, new FailingProvider([], { text: "second" })]);
    for (let call = 0; call < 3; call++) expect((await chain.generate("Hi")).text).toBe("second");
    expect(service.calls).toHaveLength(2);
    expect(breaker.state).toBe("open");
  });

  test("refuses options that are no positive integers", () => {
    expect(() => new CircuitBreaker({ failureThreshold: 0 })).toThrow(
      "for failureThreshold but received number 0",
    );
  });
});
