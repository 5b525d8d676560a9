import { setImmediate as turn } from "node:timers/promises";
import { beforeEach, describe, expect, test } from "vitest";
import { type LoadContext, ModelCache } from "./model-cache.ts";

/** A model that remembers whether it was freed. */
class Item {
  disposals = 0;
  readonly name: string;

  constructor(name: string) {
    this.name = name;
  }

  async dispose(): Promise<void> {
    this.disposals++;
  }
}

let cache: ModelCache<Item>;
const holder = {};

beforeEach(() => {
  cache = new ModelCache<Item>(2);
});

/** Loads an item and gives it back at once. */
async function touch(name: string, owner: object = holder): Promise<Item> {
  const lease = await cache.acquire(name, owner, loader(name));
  lease.release();
  return lease.model;
}

function loader(name: string): (context: LoadContext) => Promise<Item> {
  return async ({ makeRoom }) => {
    await makeRoom();
    return new Item(name);
  };
}

describe("what an instance holds", () => {
  test("is what it used last first, until it is given up or evicted", async () => {
    const other = {};
    const [a, b] = [await touch("a"), await touch("b")];
    await touch("b", other);
    expect(cache.heldBy(holder)).toEqual([b, a]);
    expect(cache.heldBy(other)).toEqual([b]);
    const c = await touch("c", other);
    expect([cache.heldBy(holder), cache.heldBy(other)]).toEqual([[b], [c, b]]);
    await cache.forget(other);
    expect([cache.heldBy(holder), cache.heldBy(other)]).toEqual([[b], []]);
  });

  test("has no model that is still loading", async () => {
    let finish = (_: Item): void => {};
    const loading = cache.acquire("a", holder, () => new Promise<Item>((resolve) => (finish = resolve)));
    expect(cache.heldBy(holder)).toEqual([]);
    finish(new Item("a"));
    const { model } = await loading;
    expect(cache.heldBy(holder)).toEqual([model]);
  });
});

describe("eviction", () => {
  test("takes the least recently used, and frees it", async () => {
    const a = await touch("a");
    const b = await touch("b");
    expect(await touch("a")).toBe(a);
    await touch("c");
    expect(cache.keys).toEqual(["c", "a"]);
    expect([a.disposals, b.disposals]).toEqual([0, 1]);
  });

  test("happens before the next model loads, so that there are never more than the limit", async () => {
    const [a] = [await touch("a"), await touch("b")];
    let freedBefore: number | undefined;
    await cache.acquire("c", holder, async ({ makeRoom }) => {
      await makeRoom();
      freedBefore = a?.disposals;
      return new Item("c");
    });
    expect(freedBefore).toBe(1);
  });

  test("never takes a model in use; the surplus goes when it is given back", async () => {
    const a = await cache.acquire("a", holder, loader("a"));
    const b = await cache.acquire("b", holder, loader("b"));
    const c = await cache.acquire("c", holder, loader("c"));
    expect(cache.keys).toEqual(["c", "b", "a"]);
    expect([a.model.disposals, b.model.disposals, c.model.disposals]).toEqual([0, 0, 0]);
    a.release();
    await turn();
    expect(cache.keys).toEqual(["c", "b"]);
    expect(a.model.disposals).toBe(1);
  });

  test("follows a new limit", async () => {
    const [a, b] = [await touch("a"), await touch("b")];
    await cache.setLimit(1);
    expect([a.disposals, b.disposals]).toEqual([1, 0]);
    await cache.setLimit(3);
    for (const name of ["c", "d"]) await touch(name);
    expect(cache.keys).toEqual(["d", "c", "b"]);
  });

  test("of everything idle makes room for a model that is too large beside them", async () => {
    const busy = await cache.acquire("busy", holder, loader("busy"));
    const idle = await touch("idle");
    await cache.acquire("large", holder, async ({ makeRoom }) => {
      await makeRoom(true);
      return new Item("large");
    });
    expect([busy.model.disposals, idle.disposals]).toEqual([0, 1]);
  });

  test("is not done twice by releasing twice", async () => {
    const first = await cache.acquire("a", holder, loader("a"));
    const second = await cache.acquire("a", holder, loader("a"));
    first.release();
    first.release();
    await cache.setLimit(0);
    expect(second.model.disposals).toBe(0);
    second.release();
    await turn();
    expect(second.model.disposals).toBe(1);
  });
});

describe("loading", () => {
  test("happens once for requests at the same time", async () => {
    let loads = 0;
    const load = async () => {
      loads++;
      await turn();
      return new Item("a");
    };
    const leases = await Promise.all([1, 2, 3].map(() => cache.acquire("a", {}, load)));
    expect(loads).toBe(1);
    expect(new Set(leases.map(({ model }) => model)).size).toBe(1);
  });

  test("that failed is tried again by the next request", async () => {
    const failing = async () => {
      throw new Error("no such file");
    };
    await expect(cache.acquire("a", holder, failing)).rejects.toThrow("no such file");
    expect(cache.keys).toEqual([]);
    expect((await touch("a")).name).toBe("a");
  });

  test("goes on when one of two who wait is aborted", async () => {
    let finish = (_: Item): void => {};
    const load = () =>
      new Promise<Item>((resolve) => {
        finish = resolve;
      });
    const controller = new AbortController();
    const aborted = cache.acquire("a", {}, load, controller.signal);
    const waiting = cache.acquire("a", {}, load);
    controller.abort("enough");
    await expect(aborted).rejects.toBe("enough");
    finish(new Item("a"));
    expect((await waiting).model.name).toBe("a");
  });

  test("is aborted when nobody waits any more, and what comes of it is freed", async () => {
    const late = new Item("a");
    let inner: AbortSignal | undefined;
    let finish = (): void => {};
    const load = ({ signal }: LoadContext) => {
      inner = signal;
      return new Promise<Item>((resolve) => {
        finish = () => resolve(late);
      });
    };
    const controller = new AbortController();
    const request = cache.acquire("a", holder, load, controller.signal);
    controller.abort("enough");
    await expect(request).rejects.toBe("enough");
    expect(inner?.aborted).toBe(true);
    expect(cache.keys).toEqual([]);
    finish();
    await turn();
    expect(late.disposals).toBe(1);
  });
});

describe("claims", () => {
  test("of the last instance free the model, and not before", async () => {
    const [one, two] = [{}, {}];
    const item = await touch("a", one);
    await touch("a", two);
    await cache.forget(one);
    expect(item.disposals).toBe(0);
    await cache.forget(two);
    expect(item.disposals).toBe(1);
    expect(cache.keys).toEqual([]);
  });

  test("given up while the model is in use free it at the end of the use", async () => {
    const lease = await cache.acquire("a", holder, loader("a"));
    await cache.forget(holder);
    expect(lease.model.disposals).toBe(0);
    lease.release();
    await turn();
    expect(lease.model.disposals).toBe(1);
  });

  test("on models that are of no use any more are dropped", async () => {
    const [a, b] = [await touch("a"), await touch("b")];
    await cache.drop(({ name }) => name === "a");
    expect(cache.keys).toEqual(["b"]);
    expect([a.disposals, b.disposals]).toEqual([1, 0]);
  });
});
