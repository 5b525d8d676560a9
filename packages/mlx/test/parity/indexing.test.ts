import { describe, expect, it } from "vitest";
import * as mx from "../../src/core/index.ts";
import { readGolden } from "./golden.ts";
import { restoreArray, type StoredArray } from "./stored-array.ts";

type StoredItem = number | "newaxis" | "..." | { range: (number | null)[] } | { array: StoredArray };

interface Case {
  shape: number[];
  items: StoredItem[];
  read: StoredArray;
  values: StoredArray;
  /** Null at an array that may name a position twice: the order of writes is open. */
  written: StoredArray | null;
  /** Null at an array beside ranges, which reads only. */
  added: StoredArray | null;
}

function restoreItem(item: StoredItem): mx.IndexItem {
  if (item === "newaxis") return null;
  if (typeof item !== "object") return item;
  return "range" in item ? (item.range as unknown as mx.Range) : restoreArray(item.array);
}

const showItem = (item: StoredItem): string => {
  if (typeof item !== "object") return String(item);
  if ("range" in item) return item.range.map((part) => part ?? "").join(":");
  return `array[${item.array.shape}]`;
};

const content = (a: mx.MxArray) => ({ shape: a.shape, values: a.toArray() });

const { cases } = readGolden<{ cases: Case[] }>("indexing.json");

describe("indexing", () => {
  it.each(
    cases.map((golden) => ({ ...golden, title: `[${golden.shape}] at ${golden.items.map(showItem)}` })),
  )("reads, writes and adds as Python does: $title", ({ shape, items, read, values, written, added }) => {
    const a = mx.arange(1, 1 + shape.reduce((x, y) => x * y, 1), 1, mx.float32).reshape(...shape);
    const where = items.map(restoreItem);
    expect(content(mx.index(a, ...where))).toEqual(content(restoreArray(read)));
    const update = restoreArray(values);
    if (written !== null) {
      expect(content(mx.setIndex(a, where, update))).toEqual(content(restoreArray(written)));
    }
    if (added !== null) {
      expect(content(mx.addAt(a, where, update))).toEqual(content(restoreArray(added)));
    }
  });
});
