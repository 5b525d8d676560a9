import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { libmlxVariant } from "./libmlx-variant.mjs";

/**
 * Where this set-up works and for which machine.
 *
 * @typedef {object} Context
 * @property {string} root - absolute path of the repository
 * @property {string} stateDir - `.setup` below the root: stamps, logs, tools, models
 * @property {string} scratchDir - emptied at the start of each set-up; on the same disk as the results
 * @property {NodeJS.ProcessEnv} env
 * @property {import("./libmlx-variant.mjs").Variant} variant - which libmlx to use
 */

/**
 * Describes this machine and checkout.
 *
 * @param {{ root?: string, env?: NodeJS.ProcessEnv }} [options] - default: this checkout and this process
 * @returns {Context}
 * @throws {import("./setup-error.mjs").SetupError} when no libmlx exists for this platform
 */
export function createContext(options = {}) {
  const root = resolve(options.root ?? fileURLToPath(new URL("../../", import.meta.url)));
  const env = options.env ?? process.env;
  const stateDir = join(root, ".setup");
  const variant = libmlxVariant(env.ABSTRACTLLM_MLX, process);
  return { root, env, stateDir, scratchDir: join(stateDir, "scratch"), variant };
}
