import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { addonIn, copyTree, runTests, writeLauncher } from "../portability/addon-tree.mjs";
import { CannotCheck } from "../portability/check.mjs";
import { buildAddon } from "../setup/build-addon.mjs";
import { runCommand } from "../setup/run-command.mjs";
import { sourceFolder } from "../setup/steps/addon.mjs";
import { libmlxFolder } from "../setup/steps/libmlx.mjs";

const addressSanitizers = "address,undefined";
/**
 * Node ends with memory that it never gives back; libmlx, which is built without sanitizers, moves vectors that the addon
 * made; a test of the thread pool starts threads in a child.
 */
const options = {
  ASAN_OPTIONS: "detect_leaks=0:detect_container_overflow=0",
  UBSAN_OPTIONS: "print_stacktrace=1",
  TSAN_OPTIONS: "die_after_fork=0",
};
/** The tests that reach most of what the addon computes, and how it takes arguments and memory. */
const tests = [
  "test/kernels/",
  ...["adapted-layers", "caches.test", "checkpoints", "gguf", "ops.test", "quantized-cache", "sampling"].map(
    (name) => `test/parity/${name}`,
  ),
  ...["memory", "native-arguments", "threads"].map((name) => `test/fault/${name}`),
  "test/fuzz/native-boundary",
  "src/core/",
];

/**
 * Runs programs of packages/mlx/native/test, which need neither Node nor libmlx.
 *
 * @param {string} sanitizers - as compilers name them
 * @param {readonly string[]} programs
 * @returns {import("../portability/check.mjs").MachineCheck}
 */
export function kernelPrograms(sanitizers, programs) {
  return {
    title: `${programs.join(", ")} with sanitizers for ${sanitizers}`,
    async run(context, task) {
      const folder = await build(context, task, sanitizers, programs);
      for (const program of programs) {
        const run = { cwd: folder, env: { ...context.env, ...options }, log: `${task.log}.${program}` };
        await runCommand(join(folder, program), [], run);
      }
      return `${programs.length} programs found nothing wrong`;
    },
  };
}

/** Runs tests in a Node that loads the address sanitizer first. @type {import("../portability/check.mjs").MachineCheck} */
export const addonTests = {
  title: `the addon with sanitizers for ${addressSanitizers}`,
  async run(context, task) {
    const runtime = addressRuntime(context.env);
    const folder = await build(context, task, addressSanitizers, ["mlx_addon"]);
    const tree = copyTree(
      context,
      join(folder, ".."),
      join(folder, "mlx.node"),
      join(libmlxFolder(context), ".."),
    );
    const settings = Object.entries({ ...options, LD_PRELOAD: runtime, ABSTRACTLLM_MLX_VARIANT: "cpu" });
    const command = [
      "/usr/bin/env",
      ...settings.map(([name, value]) => `${name}=${value}`),
      process.execPath,
    ];
    const node = writeLauncher(join(folder, ".."), command);
    const { stdout, stderr } = spawnSync(
      node,
      ["-p", `require(${JSON.stringify(addonIn(tree))}).cpuLevels().join(" ")`],
      {
        encoding: "utf8",
      },
    );
    const levels = stdout.trim();
    if (!levels.startsWith("scalar")) throw new Error(`the addon could not be loaded: ${stderr}`);
    return `${await runTests(context, task, tree, { name: "addon", tests, node })}, on ${levels}`;
  },
};

/**
 * @param {import("../setup/context.mjs").Context} context
 * @param {import("../setup/step.mjs").Task} task
 * @param {string} sanitizers
 * @param {readonly string[]} targets
 * @returns {Promise<string>} where they are
 */
async function build(context, task, sanitizers, targets) {
  if (context.variant !== "cpu") throw new CannotCheck("sanitizers are for the kernels of the CPU");
  // the addon looks for libmlx by the name of this folder
  const folder = join(context.stateDir, "sanitizers", sanitizers.replace(",", "-"), "cpu");
  await buildAddon(context, task, {
    source: sourceFolder(context.root),
    build: folder,
    libmlx: libmlxFolder(context),
    settings: [`-DSANITIZE=${sanitizers}`, "-DKERNEL_TESTS=ON", "-DCMAKE_CXX_FLAGS_RELEASE=-O1 -g1"],
    targets,
  });
  return folder;
}

/** @param {NodeJS.ProcessEnv} env @returns {string} path of GCC's library @throws {CannotCheck} */
function addressRuntime(env) {
  const { stdout } = spawnSync(env.CXX ?? "g++", ["-print-file-name=libasan.so"], { encoding: "utf8", env });
  const path = stdout?.trim() ?? "";
  if (!path.startsWith("/")) throw new CannotCheck("needs g++ with its sanitizers: sudo apt install g++");
  return path;
}
