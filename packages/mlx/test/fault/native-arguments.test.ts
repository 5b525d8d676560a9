/** Arguments that once ended the process or were misread, through the public functions. */
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import * as mx from "../../src/core/index.ts";
import { mapTensors } from "../../src/core/mapped.ts";
import { native } from "../../src/core/native.ts";
import { MlxError } from "../../src/errors.ts";

const folder = mkdtempSync(join(tmpdir(), "abstractllm-arguments-"));
afterAll(() => rmSync(folder, { recursive: true }));

const codeOf = (run: () => unknown): string => {
  try {
    run();
  } catch (error) {
    if (MlxError.isInstance(error)) return error.code;
    throw error;
  }
  return "none";
};

describe("paths", () => {
  // the addon reads short texts into 64 bytes; a character of several bytes may not fit their end
  it.each([56, 57, 58, 59, 60, 61, 62, 63, 64, 65, 66])(
    "are read whole with %i bytes before an é, 😀 and ü",
    (bytes) => {
      for (const tail of ["é", "😀", "ü.safetensors"]) {
        const path = `${join(folder, "x".repeat(Math.max(1, bytes - folder.length - 1)))}${tail}`;
        writeFileSync(path, new Float32Array([1, 2]));
        const [array] = mapTensors(path, [{ offset: 0, dtype: mx.float32, shape: [2] }]);
        expect(array?.toArray()).toEqual([1, 2]);
      }
    },
  );

  it("are refused when they hold a zero byte or name no file", () => {
    const tensor = { offset: 0, dtype: mx.uint8, shape: [1] };
    const path = join(folder, "short");
    writeFileSync(path, "abc");
    expect(codeOf(() => mapTensors(path, [tensor]))).toBe("none");
    expect(codeOf(() => mapTensors(`${path}\0.safetensors`, [tensor]))).toBe("weights");
    expect(codeOf(() => mapTensors(folder, [tensor]))).toBe("weights");
    expect(codeOf(() => mapTensors(path, [{ ...tensor, shape: [4] }]))).toBe("weights");
  });

  it.skipIf(process.platform === "win32")("are refused, not waited on, when they name a pipe", () => {
    const pipe = join(folder, "pipe");
    execFileSync("mkfifo", [pipe]);
    expect(codeOf(() => mapTensors(pipe, [{ offset: 0, dtype: mx.uint8, shape: [1] }]))).toBe("weights");
  });
});

describe("arguments that libmlx would crash on", () => {
  it.each<[string, () => unknown]>([
    ["a slice of stride 0", () => native.slice(mx.ones([4]).slot, [0], [4], [0])],
    ["an update of stride 0", () => native.sliceUpdate(mx.ones([4]).slot, mx.ones([4]).slot, [0], [4], [0])],
    ["an axis of 0 and -1", () => mx.unflatten(mx.ones([4]), 0, [0, -1])],
    ["dependencies of nothing", () => mx.depends([], [])],
    ["strides beyond the array", () => mx.asStrided(mx.ones([4]), [2, 2], [2, 2], 0)],
    ["strides before the array", () => mx.asStrided(mx.ones([4]), [2], [-1], 0)],
    ["groups of 0", () => mx.conv1d(mx.ones([1, 4, 2]), mx.ones([2, 1, 2]), 1, 0, 1, 0)],
    ["quantized groups of 0", () => mx.quantize(mx.ones([2, 64]), 0, 4)],
    ["a scalar that nobody wrote", () => native.add(mx.ones([2]).slot, -(2 ** 31))],
    ["a stream that is not there", () => native.setDefaultStream(1e6, 0)],
  ])("refuses %s", (_, run) => expect(codeOf(run)).toBe("invalid-argument"));

  it.each([
    { w: [8], scales: [2] },
    { w: [], scales: [] },
    { w: [3, 4, 8], scales: [4, 2] },
    { w: [4, 8], scales: [2] },
  ])("refuses quantized matrices $w with scales $scales", ({ w, scales }) => {
    const [packed, factors] = [mx.zeros(w, mx.uint32), mx.ones(scales)];
    const x = mx.ones([2, 64]);
    const format = [true, 32, 4] as const;
    expect(() => mx.quantizedMatmul(x, packed, factors, factors, ...format)).toThrow("of as many");
    expect(() =>
      mx.gatherQmm(x, packed, factors, factors, undefined, mx.array([0], mx.uint32), ...format),
    ).toThrow("of as many");
  });

  it("takes strides that stay inside", () => {
    const a = mx.arange(0, 6, 1, mx.int32);
    expect(mx.asStrided(a, [2, 2], [-3, 1], 3).toArray()).toEqual([
      [3, 4],
      [0, 1],
    ]);
  });

  it("reads arrays before a getter of the same call releases them", () => {
    const a = mx.ones([4]);
    const shape = [2, 2];
    Object.defineProperty(shape, 0, {
      get: () => {
        a.dispose();
        for (let i = 0; i < 100; i++) mx.zeros([1]);
        return 2;
      },
    });
    // either reads the array first and keeps it, or refuses the slot: never another's memory
    expect(["none", "disposed", "native"]).toContain(codeOf(() => native.reshape(a.slot, shape)));
  });

  it("lets arrays claim any size without telling V8 so", () => {
    for (let i = 0; i < 10; i++) mx.broadcastTo(mx.ones([1]), [2 ** 30, 2 ** 25]).dispose();
    expect(mx.broadcastTo(mx.ones([1]), [2 ** 30, 2 ** 25]).nbytes).toBe(2 ** 57);
  });
});
