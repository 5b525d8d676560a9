import { MatrixLayer, type Module } from "../nn/index.ts";

/** Numbers that a model's parameters stand for, however they are packed. */
export const countParameters = (model: Module): number => {
  let count = 0;
  for (const [, module] of model.namedModules()) {
    for (const [name, array] of module.ownParameters()) {
      const isPacked = module instanceof MatrixLayer && module.quantization !== undefined;
      if (!isPacked || name === "bias") count += array.size;
    }
    if (module instanceof MatrixLayer && module.quantization !== undefined) {
      count += module.matrixShape.reduce((a, b) => a * b, 1);
    }
  }
  return count;
};
