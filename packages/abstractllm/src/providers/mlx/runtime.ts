import type { RuntimeInfo } from "@abstractllm/mlx";
import { UnsupportedFeatureError } from "../../errors/index.ts";
import { importEngine } from "./engine-package.ts";

let detected: Promise<RuntimeInfo> | undefined;

/**
 * What this machine offers MLX, checked against the device that was asked for.
 *
 * @throws {UnsupportedFeatureError} `"mlx"` where there is no libmlx, or no GPU although one was asked for
 */
export async function requireRuntime(device: "auto" | "gpu" | "cpu"): Promise<RuntimeInfo> {
  const { detectRuntime } = await importEngine();
  detected ??= detectRuntime();
  const runtime = await detected;
  if (runtime.problem !== undefined) {
    detected = undefined; // the next attempt may follow an installation
    throw new UnsupportedFeatureError("mlx", runtime.problem, { provider: "mlx" });
  }
  if (device === "gpu" && runtime.device !== "gpu") {
    throw new UnsupportedFeatureError(
      "mlx",
      `device "gpu" was asked for, but libmlx ${runtime.mlxVersion ?? ""} here computes on the CPU only; ` +
        `use device "auto" or "cpu", or a Mac with Apple Silicon or the CUDA build of MLX on Linux`,
      { provider: "mlx" },
    );
  }
  return runtime;
}
