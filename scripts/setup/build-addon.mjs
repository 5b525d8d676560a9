import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { cmake, ensureTool, ninja } from "./build-tools.mjs";
import { runCommand } from "./run-command.mjs";

/**
 * What to build the addon from, and where.
 *
 * @typedef {object} AddonBuild
 * @property {string} source - folder of CMakeLists.txt
 * @property {string} build - folder for the result; its name is the variant of libmlx that the addon looks for
 * @property {string} libmlx - folder of libmlx's `include` and `lib`
 * @property {readonly string[]} [settings] - more arguments for CMake, for example a toolchain file
 * @property {readonly string[]} [targets] - what to build of CMakeLists.txt; default the addon
 */

/**
 * Configures and builds the addon; only what changed is compiled again.
 *
 * @param {import("./context.mjs").Context} context
 * @param {import("./step.mjs").Task} task
 * @param {AddonBuild} addon
 * @returns {Promise<string>} path that `mlx.node` gets
 * @throws {import("./setup-error.mjs").SetupError}
 */
export async function buildAddon(
  context,
  task,
  { source, build, libmlx, settings = [], targets = ["mlx_addon"] },
) {
  const { root, env } = context;
  const cmakePath = await ensureTool(context, task, cmake);
  const ninjaPath = await ensureTool(context, task, ninja);
  const configure = [
    ...["-S", source, "-B", build, "-G", "Ninja", `-DCMAKE_MAKE_PROGRAM=${ninjaPath}`],
    ...["-DCMAKE_BUILD_TYPE=Release", `-DMLX_ROOT=${libmlx}`],
    `-DNODE_API_INCLUDE=${join(root, "node_modules", "node-api-headers", "include")}`,
    ...settings,
  ];
  startAfreshWhenChanged(build, [cmakePath, env.CXX ?? "", env.CXXFLAGS ?? "", ...configure]);
  const options = {
    cwd: root,
    env: { ...env, NO_COLOR: "1", CLICOLOR: "0" },
    log: task.log,
    onLine: task.show,
    explain: explainBuild,
  };
  await runCommand(cmakePath, configure, options);
  await runCommand(cmakePath, ["--build", build, "--target", ...targets], { ...options, append: true });
  return join(build, "mlx.node");
}

/**
 * Empties a build folder that was configured differently: CMake keeps the old answers in its cache.
 *
 * @param {string} folder
 * @param {readonly string[]} configuration
 */
function startAfreshWhenChanged(folder, configuration) {
  const record = join(folder, "configuration.json");
  const wanted = JSON.stringify(configuration);
  if (existsSync(record) && readFileSync(record, "utf8") === wanted) return;
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  writeFileSync(record, wanted);
}

/** @param {string} output @returns {string | undefined} */
function explainBuild(output) {
  if (/Killed signal terminated program|fatal error: Killed/.test(output)) {
    return "The compiler ran out of memory: close other programs, or set CMAKE_BUILD_PARALLEL_LEVEL=1.";
  }
  if (/No space left on device/.test(output)) return "The disk is full.";
  return undefined;
}
