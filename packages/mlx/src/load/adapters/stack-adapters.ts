/** Several adapters at once: their products add up, and so are one product of wider factors. */
import * as mx from "../../core/index.ts";
import { MlxError } from "../../errors.ts";
import type { LanguageModel } from "../../models/index.ts";
import { Adapter } from "./adapter.ts";
import type { AdapterChange, LayerUpdate } from "./adapter-change.ts";
import { type Factors, updatesOf } from "./factors.ts";

/** One of several adapters. */
export interface StackPart {
  readonly name: string;
  readonly adapter: Adapter;
  /** Multiplies what it adds. */
  readonly scale: number;
}

/** Whether a change adds a product; the lengths of DoRA and whole parameters are there once and as they are. */
const isSum = (change: AdapterChange): change is LayerUpdate =>
  change.kind === "update" && change.update.gains === undefined;

/** @throws {MlxError} `unsupported-feature` for adapters that do not add up */
export const checkStack = (parts: readonly StackPart[]): void => {
  const users = new Map<string, number>();
  for (const path of parts.flatMap(({ adapter }) => [...new Set(adapter.paths)]))
    users.set(path, (users.get(path) ?? 0) + 1);
  for (const { name, adapter, scale } of parts) {
    const isAlone = ({ path }: AdapterChange): boolean => scale === 1 && users.get(path) === 1;
    const fixed = adapter.changes.find((change) => !isSum(change) && !isAlone(change));
    if (fixed === undefined) continue;
    throw new MlxError(
      "unsupported-feature",
      `The adapter ${name} is more than LoRA at ${fixed.path}, so it can neither be scaled nor be added to another one there`,
      { details: { feature: "adapter" } },
    );
  }
};

/** A layer's product of one adapter. */
interface ScaledUpdate extends LayerUpdate {
  readonly scale: number;
}

/** The sum of products as the factors of one. */
const sumOf = (updates: readonly ScaledUpdate[]): Factors =>
  mx.tidy(() => {
    const ups = updates.map(({ update: { up }, scale }) =>
      up.astype(mx.float32).multiply(scale).astype(up.dtype),
    );
    const downs = updates.map(({ update }) => mx.swapaxes(update.down, -1, -2));
    const [up, down] = [mx.contiguous(mx.concatenate(ups, -2)), mx.contiguous(mx.concatenate(downs, -2))];
    mx.evaluate(up, down);
    return { up, down };
  });

/**
 * What adapters of a model are together; `checkStack` passed them.
 *
 * @returns an adapter that holds what their own arrays do not; disposed before they are
 */
export const stackAdapters = (model: LanguageModel, parts: readonly StackPart[]): Adapter => {
  const whole: AdapterChange[] = [];
  const sums = new Map<string, ScaledUpdate[]>();
  for (const { adapter, scale } of parts) {
    for (const change of adapter.changes) {
      if (isSum(change)) sums.set(change.path, [...(sums.get(change.path) ?? []), { ...change, scale }]);
      else whole.push(change);
    }
  }
  const layers = [...sums].flatMap(([path, updates]) =>
    updates.slice(0, 1).map(({ layer }) => ({ path, layer, factors: sumOf(updates) })),
  );
  const made = updatesOf(layers);
  return new Adapter(model, [...made, ...whole], made);
};
