import { getEventListeners } from "node:events";
import { expect, test } from "vitest";
import { RequestTimeoutError } from "../errors/index.ts";
import { withCallSignal } from "./call-signal.ts";

const untilAborted = (signal: AbortSignal) =>
  new Promise<never>((_, reject) =>
    signal.addEventListener("abort", () => reject(new Error("work's own error"))),
  );

test("ends with the reason of whichever signal fires", async () => {
  const controller = new AbortController();
  const limits = { signals: [undefined, controller.signal], timeoutMs: undefined, provider: "mlx" };
  const work = withCallSignal(limits, untilAborted);
  controller.abort("my reason");
  await expect(work).rejects.toBe("my reason");
});

test("does not begin under a signal that has fired", async () => {
  const limits = { signals: [AbortSignal.abort("early")], timeoutMs: undefined, provider: "mlx" };
  let begun = false;
  const work = withCallSignal(limits, async () => {
    begun = true;
  });
  await expect(work).rejects.toBe("early");
  expect(begun).toBe(false);
});

test("turns an elapsed time limit into RequestTimeoutError", async () => {
  const error = await withCallSignal({ signals: [], timeoutMs: 1, provider: "mlx" }, untilAborted).catch(
    (e) => e,
  );
  expect(RequestTimeoutError.isInstance(error)).toBe(true);
  expect(error.message).toBe("[mlx] The call took longer than its timeout of 1 ms");
  expect(error.retryable).toBe(true);
});

test("leaves no listener on a signal, however often it is used", async () => {
  const { signal } = new AbortController();
  for (let call = 0; call < 20; call++) {
    await withCallSignal({ signals: [signal], timeoutMs: 10_000, provider: "mlx" }, async () => call);
  }
  expect(getEventListeners(signal, "abort")).toHaveLength(0);
});

test("does not wait for work that cannot stop at once", async () => {
  const controller = new AbortController();
  const limits = { signals: [controller.signal], timeoutMs: undefined, provider: "mlx" };
  const work = withCallSignal(limits, () => new Promise(() => {}));
  controller.abort("now");
  await expect(work).rejects.toBe("now");
});
