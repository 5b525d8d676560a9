/** Changes of one tensor on its way from a checkpoint to a model; data, so they can be printed and tested. */
import { type Dtype, type MxArray, reshape, transpose, view } from "../core/index.ts";

export type TensorChange =
  | { readonly change: "transpose"; readonly axes: readonly number[] }
  | { readonly change: "reshape"; readonly shape: readonly number[] }
  | { readonly change: "add"; readonly value: number }
  | { readonly change: "multiply"; readonly value: number }
  | { readonly change: "cast"; readonly dtype: Dtype }
  | { readonly change: "view"; readonly dtype: Dtype };

/** Permutes the axes. */
export const transposed = (...axes: number[]): TensorChange => ({ change: "transpose", axes });

/** Another shape; one dimension may be -1. */
export const reshaped = (...shape: number[]): TensorChange => ({ change: "reshape", shape });

/** A number on top of every element, in the tensor's dtype. */
export const added = (value: number): TensorChange => ({ change: "add", value });

/** Every element times a number, in the tensor's dtype. */
export const multiplied = (value: number): TensorChange => ({ change: "multiply", value });

export const cast = (dtype: Dtype): TensorChange => ({ change: "cast", dtype });

/** The same bytes as another dtype; the last axis grows or shrinks by the ratio of their sizes. */
export const viewed = (dtype: Dtype): TensorChange => ({ change: "view", dtype });

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
  }
};
