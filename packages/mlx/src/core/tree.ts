/** Trees of arrays: arrays nested in lists, plain objects and maps. */
import { MxArray } from "./array.ts";

/** Arrays nested in lists and plain objects; other leaves pass through untouched. */
export type Tree = unknown;

const isPlainObject = (value: unknown): value is Record<string, unknown> => {
  if (typeof value !== "object" || value === null) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
};

/** All arrays of a tree with their dotted paths, in order: `["layers.0.weight", array]`. */
export const treeFlatten = (tree: Tree, prefix = ""): [string, MxArray][] => {
  if (tree instanceof MxArray) return [[prefix, tree]];
  const join = (key: string | number) => (prefix === "" ? String(key) : `${prefix}.${key}`);
  if (Array.isArray(tree)) return tree.flatMap((child, i) => treeFlatten(child, join(i)));
  if (tree instanceof Map) return [...tree].flatMap(([key, child]) => treeFlatten(child, join(String(key))));
  if (isPlainObject(tree))
    return Object.entries(tree).flatMap(([key, child]) => treeFlatten(child, join(key)));
  return [];
};

/** All arrays of a tree, in order. */
export const treeLeaves = (tree: Tree): MxArray[] => {
  if (tree instanceof MxArray) return [tree];
  if (Array.isArray(tree)) return tree.flatMap(treeLeaves);
  if (tree instanceof Map) return [...tree.values()].flatMap(treeLeaves);
  if (isPlainObject(tree)) return Object.values(tree).flatMap(treeLeaves);
  return [];
};

/** A copy of the tree with `fn` applied to every array. */
export const treeMap = <T>(fn: (array: MxArray) => unknown, tree: T): T => {
  const map = (node: unknown): unknown => {
    if (node instanceof MxArray) return fn(node);
    if (Array.isArray(node)) return node.map(map);
    if (node instanceof Map) return new Map([...node].map(([key, child]) => [key, map(child)]));
    if (isPlainObject(node))
      return Object.fromEntries(Object.entries(node).map(([key, child]) => [key, map(child)]));
    return node;
  };
  return map(tree) as T;
};
