import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { cmake, ensureTool, ninja } from "../build-tools.mjs";
import { runCommand } from "../run-command.mjs";
import { SetupError } from "../setup-error.mjs";
import { fingerprint, listFiles } from "../stamp.mjs";
import { libmlxFolder, libmlxVersion } from "./libmlx.mjs";

/** Builds the Node addon on libmlx. @type {import("../step.mjs").Step} */
export const addon = {
  name: "addon",
  usesLibmlx: true,
  title: ({ variant }) => `native addon (${variant})`,
  needs: ["python", "compiler"],
  fingerprint: ({ root, variant, env }) =>
    fingerprint(
      root,
      [...listFiles(sourceFolder(root)), join(root, "package-lock.json")],
      // the addon records where libmlx lies, so a moved checkout is built again
      [libmlxVersion, variant, process.platform, process.arch, root, env.CXX ?? "", env.CXXFLAGS ?? ""],
    ),
  outputs: ({ root, variant }) => [join(buildFolder(root, variant), "mlx.node")],
  async run(context, task) {
    const { root, variant } = context;
    if (!existsSync(join(sourceFolder(root), "CMakeLists.txt"))) {
      throw new SetupError(`${sourceFolder(root)} has no CMakeLists.txt: this checkout is incomplete.`);
    }
    const cmakePath = await ensureTool(context, task, cmake);
    const ninjaPath = await ensureTool(context, task, ninja);
    const build = buildFolder(root, variant);
    const configure = configureArguments(context, ninjaPath);
    startAfreshWhenChanged(build, [
      cmakePath,
      context.env.CXX ?? "",
      context.env.CXXFLAGS ?? "",
      ...configure,
    ]);
    const options = {
      cwd: root,
      env: { ...context.env, NO_COLOR: "1", CLICOLOR: "0" },
      log: task.log,
      onLine: task.show,
      explain: explainBuild,
    };
    await runCommand(cmakePath, configure, options);
    await runCommand(cmakePath, ["--build", build], { ...options, append: true });
  },
};

/** @param {string} root */
function sourceFolder(root) {
  return join(root, "packages", "mlx", "native");
}

/** @param {string} root @param {string} variant */
function buildFolder(root, variant) {
  return join(root, "packages", "mlx", "build", variant);
}

/** @param {import("../context.mjs").Context} context @param {string} ninjaPath */
function configureArguments(context, ninjaPath) {
  const { root, variant } = context;
  return [
    ...["-S", sourceFolder(root), "-B", buildFolder(root, variant), "-G", "Ninja"],
    `-DCMAKE_MAKE_PROGRAM=${ninjaPath}`,
    "-DCMAKE_BUILD_TYPE=Release",
    `-DMLX_ROOT=${libmlxFolder(context)}`,
    `-DNODE_API_INCLUDE=${join(root, "node_modules", "node-api-headers", "include")}`,
  ];
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
