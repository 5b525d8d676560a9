/** Arrays as the goldens of operations store them. */

import * as mx from "../../src/core/index.ts";
import { decodeBytes } from "./golden.ts";

export interface StoredArray {
  readonly dtype: string;
  readonly shape: readonly number[];
  /** Little-endian bytes in row-major order, base64. */
  readonly data: string;
}

const dtypes: ReadonlyMap<string, mx.Dtype> = new Map(
  Object.values(mx).flatMap((value) =>
    typeof value === "object" && "kind" in value && "size" in value ? [[value.name, value]] : [],
  ),
);

/** The dtype called `name` in Python. */
export function dtypeNamed(name: string): mx.Dtype {
  const dtype = dtypes.get(name === "bool_" ? "bool" : name);
  if (dtype === undefined) throw new Error(`no dtype ${name}`);
  return dtype;
}

/** The array that was stored. */
export const restoreArray = ({ dtype, shape, data }: StoredArray): mx.MxArray =>
  mx.fromRawBytes(decodeBytes(data), shape, dtypeNamed(dtype));
