/** Every layer of every architecture that takes an adapter computes with it. */
import { describe, expect, it } from "vitest";
import * as mx from "../../src/core/index.ts";
import { adaptedLayer } from "../../src/load/adapters/adapted-layer.ts";
import type { LanguageModel } from "../../src/models/index.ts";
import type { MatrixLayer } from "../../src/nn/index.ts";
import { expectSameLogits, rowDifference, TOLERANCE } from "./compare-logits.ts";
import { readModelGoldens } from "./golden.ts";
import { randomTensor } from "./random-weights.ts";
import { buildModel, runModel } from "./run-model.ts";

/** Of the weights that an update changes: small, so that activations stay near 1. */
const STRENGTH = 0.3;
/** More than between equal sums: one side adds products, the other one matrices. */
const ROUNDING = 10 * TOLERANCE;

const layersOf = (model: LanguageModel): [string, MatrixLayer][] =>
  [...model.namedModules()].flatMap(([path, module]): [string, MatrixLayer][] => {
    const adapted = adaptedLayer(module, "mlx-lm");
    return adapted === undefined ? [] : [[path, adapted.layer]];
  });

/** A random update of rank 2 for each layer. */
const updateAll = (layers: readonly [string, MatrixLayer][]): void => {
  for (const [path, layer] of layers) {
    const stack = layer.weight.shape.slice(0, -2);
    const [N, K] = [layer.weight.dim(-2), layer.weight.dim(-1)];
    const tensor = (name: string, shape: readonly number[]) =>
      mx.array(randomTensor(1, `${path}.${name}`, shape), mx.float32, shape);
    layer.update = {
      up: tensor("up", [...stack, 2, N]).multiply(STRENGTH),
      down: tensor("down", [...stack, K, 2]).multiply(K ** -0.5),
    };
  }
};

const mergeAll = (layers: readonly [string, MatrixLayer][]): void => {
  for (const [, layer] of layers) {
    if (layer.update === undefined) continue;
    const { down, up } = layer.update;
    const added = mx.swapaxes(mx.matmul(down, up), -1, -2);
    layer.weight = mx.replace(layer.weight, layer.weight.add(added));
    layer.update = undefined;
  }
};

describe.each(readModelGoldens())("$architecture", ({ cases }) => {
  const [golden] = cases;
  it("answers with adapters beside its matrices as with both added up", async () => {
    if (golden === undefined) throw new Error("the architecture has no golden");
    const { model } = await buildModel(golden);
    const layers = layersOf(model);
    const run = golden.runs.find(({ name }) => name === "steps");
    if (run === undefined) throw new Error("the golden has no steps");
    const V = Number(golden.config.vocab_size);
    const before = runModel(model, run).values;
    updateAll(layers);
    const beside = runModel(model, run).values;
    mergeAll(layers);
    expectSameLogits(beside, runModel(model, run).values, V, ROUNDING);
    expect(rowDifference(beside, before)).toBeGreaterThan(1e-2);
    model.dispose();
  });
});
