import { describe, expect, it } from "vitest";
import { ops } from "../../codegen/ops-table.ts";
import { parseSignature } from "../../codegen/signature.ts";
import * as mx from "../../src/core/index.ts";
import * as nn from "../../src/nn/index.ts";
import { device } from "../device.ts";
import { readGolden } from "./golden.ts";
import { dtypeNamed, restoreArray, type StoredArray } from "./stored-array.ts";

interface Call {
  name: string;
  args: unknown[];
  results: StoredArray[];
}

/** Largest difference allowed, relative to the largest element; other dtypes are exact. */
const tolerances: Partial<Record<mx.DtypeName, number>> = {
  float32: device === "gpu" ? 1e-5 : 1e-6,
  float16: 1e-3,
  bfloat16: 8e-3,
};

/** An argument of a golden: arrays and dtypes come wrapped, null stands for one left out. */
function restoreArgument(value: unknown): unknown {
  if (value === null) return undefined;
  if (typeof value !== "object" || Array.isArray(value)) return value;
  if ("array" in value) return restoreArray(value.array as StoredArray);
  if ("arrays" in value) return (value.arrays as StoredArray[]).map(restoreArray);
  if ("dtype" in value) return dtypeNamed(value.dtype as string);
  throw new Error(`unknown argument ${JSON.stringify(value)}`);
}

function functionNamed(name: string): (...args: unknown[]) => mx.MxArray | mx.MxArray[] {
  let target: unknown = { ...mx, nn };
  for (const part of name.split(".")) target = (target as Record<string, unknown>)[part];
  if (typeof target !== "function") throw new Error(`no operation ${name}`);
  return target as (...args: unknown[]) => mx.MxArray | mx.MxArray[];
}

const numbers = (a: mx.MxArray): number[] =>
  Array.from(a.toTypedArray() as ArrayLike<number | bigint>, Number);

function expectClose(actual: mx.MxArray, stored: StoredArray): void {
  expect({ dtype: actual.dtype.name, shape: actual.shape }).toEqual({
    dtype: stored.dtype,
    shape: stored.shape,
  });
  const [got, expected] = [numbers(actual), numbers(restoreArray(stored))];
  const finite = expected.filter(Number.isFinite).map(Math.abs);
  const allowed = (tolerances[actual.dtype.name] ?? 0) * finite.reduce((a, b) => Math.max(a, b), 0);
  const wrong = got.flatMap((value, i) => {
    const same = Object.is(value, expected[i]) || Math.abs(value - (expected[i] ?? Number.NaN)) <= allowed;
    return same ? [] : [`[${i}] ${value} instead of ${expected[i]}`];
  });
  expect(wrong).toEqual([]);
}

const show = (value: unknown): string => {
  if (typeof value !== "object" || value === null) return String(value ?? "-");
  if ("array" in value) return `${(value.array as StoredArray).dtype}[${(value.array as StoredArray).shape}]`;
  if ("arrays" in value)
    return `{${(value.arrays as StoredArray[]).map((a) => show({ array: a })).join(" ")}}`;
  return "dtype" in value ? String(value.dtype) : JSON.stringify(value);
};

/** What libmlx's CUDA backend does otherwise, by how the title of a call starts. */
const otherOnCuda: readonly [start: string, what: string][] = [
  ["partition(", "the order within each part is another"],
  ["argpartition(", "the order within each part is another"],
  ["hadamardTransform(float32[2,12]", "a single factor of 12 does not compile"],
  ["quantize(float32[8,64], 32, 4, mxfp4)", "halves round another way"],
  ["quantize(float32[8,64], 16, 4, nvfp4)", "halves round another way"],
];

const { calls } = readGolden<{ calls: Call[] }>("ops.json");

describe("operations", () => {
  for (const { name, args, results } of calls) {
    const title = `${name}(${args.map(show).join(", ")})`;
    const other = device === "gpu" ? otherOnCuda.find(([start]) => title.startsWith(start))?.[1] : undefined;
    const reason = other === undefined ? "" : `, except on CUDA: ${other}`;
    it.skipIf(other !== undefined)(`${title} gives what Python gives${reason}`, () => {
      const result = functionNamed(name)(...args.map(restoreArgument));
      const arrays = Array.isArray(result) ? result : [result];
      expect(arrays.length).toBe(results.length);
      results.forEach((stored, i) => {
        expectClose(arrays[i] as mx.MxArray, stored);
      });
    });
  }

  it("are all compared with Python", () => {
    const compared = new Set(calls.map((call) => call.name));
    const names = ops.map(({ group, signature }) => {
      const { name } = parseSignature(signature);
      return group === undefined ? name : `${group}.${name}`;
    });
    expect(names.filter((name) => !compared.has(name))).toEqual([]);
  });
});
