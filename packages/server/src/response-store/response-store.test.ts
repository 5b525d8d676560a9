import { expect, test } from "vitest";
import { ResponseStore } from "./response-store.ts";

const said = (text: string) => ({ type: "message", role: "user", content: text });
const answer = (id: string, text: string) => ({ id, output: [{ type: "message", content: text }] });

/** Adds a response to each of some questions, each following the one before it. */
function chain(store: ResponseStore, ids: readonly string[], text = "x"): void {
  let previous: string | undefined;
  for (const id of ids) {
    store.add(answer(id, text), [said(text)], previous === undefined ? undefined : store.get(previous));
    previous = id;
  }
}

const sizeOf = (response: object, input: object[]) => JSON.stringify({ response, input }).length;
const ONE = sizeOf(answer("a", "x"), [said("x")]);

test("a response has the whole conversation before it", () => {
  const store = new ResponseStore({ maxResponses: 9, maxBytes: 10_000 });
  store.add(answer("a", "One!"), [said("One?")], undefined);
  store.add(answer("b", "Two!"), [said("Two?"), said("And?")], store.get("a"));
  const texts = (items: readonly object[] = []) => items.map((item) => (item as { content: string }).content);
  expect(texts(store.get("b")?.input)).toEqual(["One?", "One!", "Two?", "And?"]);
  expect(texts(store.get("b")?.conversation)).toEqual(["One?", "One!", "Two?", "And?", "Two!"]);
  expect(store.get("b")?.response).toEqual(answer("b", "Two!"));
});

test("the oldest go first, and stay with those that follow them", () => {
  const store = new ResponseStore({ maxResponses: 2, maxBytes: 10_000 });
  chain(store, ["a", "b", "c"]);
  expect([store.get("a"), store.get("b")?.input.length, store.get("c")?.input.length]).toEqual([
    undefined,
    3,
    5,
  ]);
  expect(store.sizeBytes).toBe(3 * ONE);
  chain(store, ["d", "e"]); // what follows none lets go of the whole conversation before it
  expect(store.get("c")).toBeUndefined();
  expect(store.sizeBytes).toBe(2 * ONE);
});

test("its size never passes its limit, and no response that is too large takes the others' place", () => {
  const store = new ResponseStore({ maxResponses: 99, maxBytes: 3 * ONE + 1 });
  for (const id of ["a", "b", "c", "d"]) store.add(answer(id, "x"), [said("x")], undefined);
  expect([store.get("a"), store.sizeBytes]).toEqual([undefined, 3 * ONE]);
  store.add(answer("e", "x".repeat(3 * ONE)), [], undefined);
  expect(store.get("e")).toBeUndefined();
  expect(store.sizeBytes).toBe(3 * ONE);
  store.add(answer("f", "x"), [said("x")], store.get("b"));
  store.add(answer("g", "x"), [said("x")], store.get("f"));
  expect(store.get("g")?.input).toHaveLength(5);
  expect(store.sizeBytes).toBe(3 * ONE);
  store.add(answer("h", "x"), [said("x")], store.get("g")); // four in all
  expect([store.get("h"), store.get("g")?.input.length]).toEqual([undefined, 5]);
});

test("what is deleted while it is being followed stays with the one that follows it", () => {
  const store = new ResponseStore({ maxResponses: 9, maxBytes: 10_000 });
  chain(store, ["a", "b"]);
  const previous = store.get("b");
  expect([store.delete("a"), store.delete("b"), store.delete("b")]).toEqual([true, true, false]);
  expect(store.sizeBytes).toBe(0);
  store.add(answer("c", "x"), [said("x")], previous);
  expect(store.get("c")?.input).toHaveLength(5);
  expect(store.sizeBytes).toBe(3 * ONE);
  store.delete("c");
  expect(store.sizeBytes).toBe(0);
});

test("a conversation of many turns is let go of without a deep stack", () => {
  const store = new ResponseStore({ maxResponses: 1, maxBytes: 1e9 });
  chain(
    store,
    Array.from({ length: 30_000 }, (_, index) => `${index}`),
  );
  store.delete("29999");
  expect(store.sizeBytes).toBe(0);
});
