/** Kernels that libmlx for CUDA compiles when they are first needed, some of them for half a minute, and keeps in files. */
import { readdirSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { MLX_VERSION } from "./version.ts";

type Environment = Readonly<Record<string, string | undefined>>;

/** The folder of the files. libmlx's own default lies among temporary files, which are gone after a restart. */
export const compiledKernelsFolder = (env: Environment = process.env): string => {
  const cache = env.XDG_CACHE_HOME || join(env.HOME || homedir(), ".cache");
  return env.MLX_PTX_CACHE_DIR || join(cache, "abstractllm", `cuda-kernels-${MLX_VERSION}`);
};

/**
 * Tells libmlx of the folder; before it is loaded, and on the thread whose environment is that of the process. A libmlx
 * without CUDA doesn't ask.
 */
export const keepCompiledKernels = (): void => {
  process.env.MLX_PTX_CACHE_DIR = compiledKernelsFolder();
};

/** Whether this user has compiled kernels, as far as can be seen. */
export const hasCompiledKernels = (env: Environment = process.env): boolean => {
  try {
    return readdirSync(compiledKernelsFolder(env)).length > 0;
  } catch {
    return false; // not there yet, or not for this user to read: what libmlx makes of that, it says itself
  }
};
