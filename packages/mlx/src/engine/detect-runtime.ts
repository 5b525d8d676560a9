import { MlxError } from "../errors.ts";
import type { RuntimeInfo } from "./types.ts";

/**
 * What this machine offers, without loading a model. Never throws: a problem is in the result, with its remedy.
 */
export const detectRuntime = async (): Promise<RuntimeInfo> => {
  try {
    const [{ addonPath }, mx] = await Promise.all([import("../core/native.ts"), import("../core/index.ts")]);
    return {
      mlxVersion: mx.MLX_VERSION,
      libraryPath: addonPath,
      device: mx.isDeviceAvailable("gpu") ? "gpu" : "cpu",
      backend: mx.backend(),
      instructionSets: [mx.cpuInstructionSet()],
    };
  } catch (error) {
    const problem = MlxError.isInstance(error) || error instanceof Error ? error.message : String(error);
    return { device: "cpu", backend: "cpu", instructionSets: [], problem };
  }
};
