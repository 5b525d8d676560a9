/** Running the graph. */
import { handleOf } from "./array.ts";
import { native } from "./native.ts";
import { type Tree, treeLeaves } from "./tree.ts";

/** Computes all arrays in the trees and waits for them. @throws {MlxError} when an operation fails */
export const evaluate = (...trees: Tree[]): void => native.eval(treeLeaves(trees).map(handleOf));

/** Starts computing all arrays in the trees; reading one waits for it. */
export const asyncEvaluate = (...trees: Tree[]): void => native.asyncEval(treeLeaves(trees).map(handleOf));

/** Waits until everything started on this thread is done. */
export const synchronize = (): void => native.synchronize();
