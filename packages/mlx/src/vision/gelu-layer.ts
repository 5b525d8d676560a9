import type { MxArray } from "../core/index.ts";
import { gelu, Module } from "../nn/index.ts";

/** GELU as a layer, for checkpoints that count it among others. */
export class GeluLayer extends Module {
  forward(x: MxArray): MxArray {
    return gelu(x);
  }
}
