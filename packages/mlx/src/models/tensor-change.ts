/** Changes of one tensor on its way from a checkpoint to a model; data, so they can be printed and tested. */
import {
  type Dtype,
  divide,
  float32,
  isFloating,
  linalg,
  type MxArray,
  reshape,
  squeeze,
  transpose,
  view,
} from "../core/index.ts";

/** A change of one tensor. */
export type TensorChange =
  | { readonly change: "transpose"; readonly axes: readonly number[] }
  | { readonly change: "reshape"; readonly shape: readonly number[] }
  | { readonly change: "add"; readonly value: number }
  | { readonly change: "multiply"; readonly value: number }
  | { readonly change: "cast"; readonly dtype: Dtype }
  | { readonly change: "view"; readonly dtype: Dtype }
  | { readonly change: "squeeze"; readonly axis: number }
  | { readonly change: "compute"; readonly formula: string; readonly compute: (x: MxArray) => MxArray }
  | { readonly change: "norm"; readonly axis: number; readonly eps: number };

/** Permutes the axes. */
export const transposed = (...axes: number[]): TensorChange => ({ change: "transpose", axes });

/** Another shape; one dimension may be -1. */
export const reshaped = (...shape: number[]): TensorChange => ({ change: "reshape", shape });

/** A number on top of every element, in the tensor's dtype. */
export const added = (value: number): TensorChange => ({ change: "add", value });

/** Every element times a number, in the tensor's dtype. */
export const multiplied = (value: number): TensorChange => ({ change: "multiply", value });

/** The same values as another dtype. */
export const cast = (dtype: Dtype): TensorChange => ({ change: "cast", dtype });

/** The same bytes as another dtype; the last axis grows or shrinks by the ratio of their sizes. */
export const viewed = (dtype: Dtype): TensorChange => ({ change: "view", dtype });

/** Without an axis of length 1. */
export const squeezed = (axis: number): TensorChange => ({ change: "squeeze", axis });

/** A function of the tensor, which `formula` tells. */
export const computed = (formula: string, compute: (x: MxArray) => MxArray): TensorChange => ({
  change: "compute",
  formula,
  compute,
});

/** Each column divided by its length plus `eps`; a quantized matrix stays as it is. */
export const columnsNormed = (eps: number): TensorChange => ({ change: "norm", axis: 0, eps });

/** Each row divided by its length plus `eps`; a quantized matrix stays as it is. */
export const rowsNormed = (eps: number): TensorChange => ({ change: "norm", axis: 1, eps });

const normAlong = (x: MxArray, axis: number, eps: number): MxArray => {
  if (!isFloating(x.dtype)) return x;
  const lengths = linalg.norm(x.astype(float32), undefined, axis, true).add(eps);
  return divide(x, lengths).astype(x.dtype);
};

/** The tensor after one change. */
export const applyChange = (x: MxArray, step: TensorChange): MxArray => {
  switch (step.change) {
    case "transpose":
      return transpose(x, step.axes);
    case "reshape":
      return reshape(x, step.shape);
    case "add":
      return x.add(step.value);
    case "multiply":
      return x.multiply(step.value);
    case "cast":
      return x.astype(step.dtype);
    case "view":
      return view(x, step.dtype);
    case "squeeze":
      return squeeze(x, step.axis);
    case "compute":
      return step.compute(x);
    case "norm":
      return normAlong(x, step.axis, step.eps);
  }
};
