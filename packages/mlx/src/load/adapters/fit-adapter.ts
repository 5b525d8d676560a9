/** Finding what an adapter changes in a model. */
import type { MxArray } from "../../core/index.ts";
import * as mx from "../../core/index.ts";
import { MlxError } from "../../errors.ts";
import type { LanguageModel } from "../../models/index.ts";
import { Linear, type Module } from "../../nn/index.ts";
import { type AdaptedLayer, adaptedLayer } from "./adapted-layer.ts";
import { Adapter } from "./adapter.ts";
import type { Replacement } from "./adapter-change.ts";
import type { AdapterConfig } from "./adapter-config.ts";
import { type FactoredLayer, updatesOf } from "./factors.ts";
import { FitProblems } from "./fit-problems.ts";
import type { AdapterFiles, AdapterParts, StoredTensor } from "./read-adapter.ts";
import { rowGains } from "./row-gains.ts";

/** A layer with the tensors that update it, which fit. */
interface FittedLayer extends AdaptedLayer {
  readonly path: string;
  readonly up: MxArray;
  readonly down: MxArray;
  readonly lengths: MxArray | undefined;
}

type Modules = ReadonlyMap<string, Module>;

/** The layer at a path with all tensors that an adapter of this kind has for one; notes what is wrong. */
const fitLayer = (
  [path, parts]: [string, AdapterParts],
  modules: Modules,
  { format, kind, rankOf }: AdapterConfig,
  problems: FitProblems,
): FittedLayer | undefined => {
  const names = Object.values(parts).map(({ name }) => name);
  const module = modules.get(path);
  const adapted = module && adaptedLayer(module, format);
  const { a, b, m } = parts;
  if (adapted === undefined || (kind === "lora" && m !== undefined)) {
    problems.unknown.push(...names);
    return undefined;
  }
  if (a === undefined || b === undefined || (kind === "dora" && m === undefined)) {
    problems.incomplete.push(...names);
    return undefined;
  }
  const rows = adapted.layer.weight.shape.slice(0, -1);
  if (m !== undefined && rows.length > 1) {
    throw new MlxError("unsupported-feature", `DoRA of experts is not supported, which ${m.name} is for`, {
      details: { feature: "adapter" },
    });
  }
  const [up, down] = adapted.layout.up === "a" ? [a, b] : [b, a];
  const shapes = adapted.shapes(rankOf(path));
  const isFitting = [
    problems.expectShape(up.name, up.array, shapes.up),
    problems.expectShape(down.name, down.array, shapes.down),
    m === undefined || problems.expectShape(m.name, m.array, rows),
  ].every((fits) => fits);
  return isFitting ? { ...adapted, path, up: up.array, down: down.array, lengths: m?.array } : undefined;
};

/** The parameter that a tensor takes the place of; notes what is wrong. */
const fitParameter = (
  { name, array: next }: StoredTensor,
  modules: Modules,
  { format, kind }: AdapterConfig,
  problems: FitProblems,
): Replacement | undefined => {
  const [path = "", field = name] = /^(.*)\.([^.]*)$/.exec(name)?.slice(1) ?? [];
  const module = modules.get(path);
  const previous = module?.ownParameters().find(([own]) => own === field)?.[1];
  const isAllowed = kind === "full" || format === "peft";
  if (!isAllowed || module === undefined || previous === undefined) {
    problems.unknown.push(name);
    return undefined;
  }
  return problems.expectShape(name, next, previous.shape)
    ? { kind: "replacement", path, module, field, previous, next }
    : undefined;
};

/** A matrix of its own in float32, row by row in memory. */
const ownMatrix = (stored: MxArray, isTransposed: boolean, scale = 1): MxArray => {
  const matrix = isTransposed ? mx.swapaxes(stored, -1, -2) : stored;
  return mx.contiguous(matrix.astype(mx.float32).multiply(scale));
};

/** The CPU reads half as much of float16. */
const factorDtype = ({ dtype }: MxArray, exact: boolean): mx.Dtype => {
  if (mx.defaultDevice() !== "cpu") return dtype;
  return exact ? mx.float32 : mx.float16;
};

const makeFactors = (fitted: FittedLayer, { scaleOf }: AdapterConfig, exact: boolean): FactoredLayer => {
  const { layer, layout, path, lengths } = fitted;
  const factors = mx.tidy(() => {
    const up = ownMatrix(fitted.up, layout.isTransposed, scaleOf(path));
    const down = ownMatrix(fitted.down, !layout.isTransposed);
    const gains = lengths && rowGains(layer, { up, down: mx.swapaxes(down, -1, -2) }, lengths);
    const stored = {
      up: up.astype(factorDtype(fitted.up, exact)),
      down: down.astype(factorDtype(fitted.down, exact)),
    };
    mx.evaluate(stored.up, stored.down);
    return { ...stored, gains };
  });
  return { path, layer, factors };
};

/** Matrices stay as they are stored, which products can read; other parameters get the dtype of the model. */
const makeReplacement = (fitted: Replacement): Replacement => {
  const { module, field, previous, next } = fitted;
  const isMatrix = module instanceof Linear && field === "weight";
  const array = isMatrix ? mx.share(next) : next.astype(previous.dtype);
  mx.evaluate(array);
  return { ...fitted, next: array };
};

/**
 * An adapter as what it does to a model. Takes over the arrays of its files, also when it fails.
 *
 * @param folder - for messages
 * @throws {WeightsError} naming every tensor that does not fit
 * @throws {MlxError} `unsupported-feature` for a kind of adapter that a layer cannot have
 */
export const fitAdapter = (
  { model, exact }: { readonly model: LanguageModel; readonly exact: boolean },
  { config, layers, whole }: AdapterFiles,
  folder: string,
): Adapter => {
  const problems = new FitProblems();
  const modules = new Map(model.namedModules());
  try {
    const fitted = [...layers].flatMap((entry) => fitLayer(entry, modules, config, problems) ?? []);
    const replaced = whole.flatMap((tensor) => fitParameter(tensor, modules, config, problems) ?? []);
    problems.check(folder);
    const updates = updatesOf(fitted.map((layer) => makeFactors(layer, config, exact)));
    return new Adapter(model, [...updates, ...replaced.map(makeReplacement)]);
  } finally {
    const parts = [...layers.values()].flatMap((stored) => Object.values(stored));
    for (const { array } of [...parts, ...whole]) array.dispose();
  }
};
