/** Running the graph. */
import { handleOf, type MxArray } from "./array.ts";
import { native } from "./native.ts";
import { type Tree, treeLeaves } from "./tree.ts";

/** Computes all arrays in the trees and waits for them. @throws {MlxError} when an operation fails */
export const evaluate = (...trees: Tree[]): void => native.eval(treeLeaves(trees).map(handleOf));

/** Starts computing all arrays in the trees; reading one waits for it. */
export const asyncEvaluate = (...trees: Tree[]): void => native.asyncEval(treeLeaves(trees).map(handleOf));

/**
 * Starts computing the array that this thread will read next, to go on while what was started later is computed. Kernels of
 * the CPU that would use all processors leave it one then, until it waits again.
 */
export const asyncEvaluateNext = (array: MxArray): void => native.asyncEvalNext(handleOf(array));

/** Waits until everything started on this thread is done. */
export const synchronize = (): void => native.synchronize();
