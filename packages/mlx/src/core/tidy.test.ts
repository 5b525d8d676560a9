import { describe, expect, it } from "vitest";
import { InvalidArgumentError } from "../errors.ts";
import * as mx from "./index.ts";

/** How many more arrays live after `fn`. */
const growth = (fn: () => unknown): number => {
  const before = mx.liveArrays();
  fn();
  return mx.liveArrays() - before;
};

describe("tidy", () => {
  it("frees intermediates and keeps what the returned tree holds", () => {
    let kept: { a: mx.MxArray; list: mx.MxArray[] } | undefined;
    const grown = growth(() => {
      kept = mx.tidy(() => {
        const x = mx.zeros([2]);
        const y = x.add(1).multiply(3);
        return { a: y, list: [y.add(1), x] };
      });
    });
    expect(grown).toBe(3);
    expect(kept?.a.toArray()).toEqual([3, 3]);
    expect(kept?.list[1]?.toArray()).toEqual([0, 0]);
  });

  it("frees everything when the function throws", () => {
    expect(
      growth(() => {
        expect(() =>
          mx.tidy(() => {
            mx.zeros([1]).add(1);
            throw new Error("stop");
          }),
        ).toThrow("stop");
      }),
    ).toBe(0);
  });

  it("nests: inner results belong to the outer scope", () => {
    expect(growth(() => mx.tidy(() => void mx.tidy(() => mx.zeros([1]).add(1))))).toBe(0);
  });

  it("keeps state that moves forward, one array at a time", () => {
    let state: mx.MxArray | undefined;
    const grown = growth(() => {
      for (let i = 0; i < 10; i++) {
        mx.tidy(() => {
          state = mx.replace(state, state === undefined ? mx.ones([1]) : state.add(1));
        });
      }
    });
    expect(grown).toBe(1);
    expect(state?.item()).toBe(10);
  });

  it("leaves arrays of outside alone", () => {
    const outside = mx.ones([1]);
    mx.tidy(() => outside.add(1));
    expect(outside.item()).toBe(1);
  });

  it("rejects asynchronous functions, and frees their arrays", () => {
    expect(growth(() => expect(() => mx.tidy(async () => mx.zeros([1]))).toThrow(InvalidArgumentError))).toBe(
      0,
    );
  });
});

describe("trees", () => {
  it("are flattened with dotted paths and mapped", () => {
    const tree = { layers: [{ weight: mx.ones([1]) }, { weight: mx.zeros([2]) }], name: "x" };
    expect(mx.treeFlatten(tree).map(([path, a]) => [path, a.shape])).toEqual([
      ["layers.0.weight", [1]],
      ["layers.1.weight", [2]],
    ]);
    const doubled = mx.treeMap((a) => a.multiply(2), tree);
    expect(doubled.layers[0]?.weight.item()).toBe(2);
    expect(doubled.name).toBe("x");
  });
});

describe("compile", () => {
  it("gives what the plain function gives, for several shapes", () => {
    const fn = (x: mx.MxArray, y: mx.MxArray) => [mx.exp(x).add(y), x.multiply(y)];
    const compiled = mx.compile(fn);
    for (const n of [1, 3, 3]) {
      const [x, y] = [mx.arange(0, n, 1, mx.float32), mx.full([n], 2)];
      const got = compiled(x, y).map((a) => a.toArray());
      expect(got).toEqual(fn(x, y).map((a) => a.toArray()));
    }
  });

  it("sees captured arrays that change", () => {
    let state = mx.array([1.5]);
    const compiled = mx.compile((x) => x.add(state), { captured: () => [state] });
    expect(compiled(mx.array([1.0]))[0]?.item()).toBe(2.5);
    state = mx.array([10.5]);
    expect(compiled(mx.array([1.0]))[0]?.item()).toBe(11.5);
  });

  it("passes on what the function throws, and rejects results that are no arrays", () => {
    const failing = mx.compile(() => {
      throw new RangeError("inside");
    });
    expect(() => failing(mx.ones([1]))).toThrow(RangeError);
    const wrong = mx.compile(() => 3 as never);
    expect(() => wrong(mx.ones([1]))).toThrow(InvalidArgumentError);
  });

  it("leaves no arrays behind", () => {
    const compiled = mx.compile((x) => mx.sin(x).add(1));
    compiled(mx.ones([2]))[0]?.dispose();
    const x = mx.ones([2]);
    expect(growth(() => compiled(x)[0]?.dispose())).toBe(0);
  });
});

describe("devices and streams", () => {
  it("run work on a stream of their own", () => {
    const stream = mx.newStream("cpu");
    const a = mx.stream(stream, () => mx.ones([2]).add(1));
    expect(a.toArray()).toEqual([2, 2]);
    expect(mx.defaultStream("cpu").index).not.toBe(stream.index);
  });

  it("refuse a device that is not there", () => {
    if (mx.isDeviceAvailable("gpu")) return;
    expect(() => mx.setDefaultDevice("gpu")).toThrow(expect.objectContaining({ code: "unavailable" }));
    expect(mx.defaultDevice()).toBe("cpu");
  });
});

describe("memory", () => {
  it("counts live bytes and gives limits back", () => {
    const before = mx.getActiveMemory();
    const a = mx.ones([1024, 1024]).add(1);
    mx.evaluate(a);
    expect(mx.getActiveMemory() - before).toBeGreaterThanOrEqual(4 * 1024 * 1024);
    a.dispose();
    const previous = mx.setCacheLimit(1 << 20);
    expect(mx.setCacheLimit(previous)).toBe(1 << 20);
    expect(() => mx.setMemoryLimit(-1)).toThrow(InvalidArgumentError);
  });
});

describe("random", () => {
  it("repeats after a seed and by key", () => {
    mx.random.seed(7);
    const a = mx.random.uniform(0, 1, [4]).toArray();
    mx.random.seed(7);
    expect(mx.random.uniform(0, 1, [4]).toArray()).toEqual(a);
    const key = mx.random.key(3);
    const draw = () => mx.random.normal([3], mx.float32, 0, 1, key).toArray();
    expect(draw()).toEqual(draw());
  });
});
