import { cpSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { runCommand } from "../setup/run-command.mjs";

/**
 * Makes a second checkout of packages/mlx, with another addon in it; npm's packages are found above it.
 *
 * @param {import("../setup/context.mjs").Context} context
 * @param {string} folder
 * @param {string} addon
 * @param {string} libmlx - folder with the `mlx` that the addon is built on
 * @returns {string} the checkout's root
 */
export function copyTree({ root }, folder, addon, libmlx) {
  const tree = join(folder, "tree");
  rmSync(tree, { recursive: true, force: true });
  const mlx = join(tree, "packages", "mlx");
  for (const name of ["src", "dist", "test", "codegen", "package.json"]) {
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

/** @param {string} tree @returns {string} path of its addon */
export function addonIn(tree) {
  return join(tree, "packages", "mlx", "build", "cpu", "mlx.node");
}

/** @param {string} folder @param {readonly string[]} command @returns {string} path of a program that runs it */
export function writeLauncher(folder, command) {
  const path = join(folder, "node");
  writeFileSync(path, `#!/bin/sh\nexec ${command.map((word) => `'${word}'`).join(" ")} "$@"\n`, {
    mode: 0o755,
  });
  return path;
}

/**
 * Runs tests of a checkout that {@link copyTree} made.
 *
 * @param {import("../setup/context.mjs").Context} context
 * @param {import("../setup/step.mjs").Task} task
 * @param {string} tree
 * @param {{ name: string, tests: readonly string[], node: string }} run - `name` is for its files, `node` the program that
 *   runs the tests
 * @returns {Promise<string>} how many passed
 */
export async function runTests(context, task, tree, { name, tests, node }) {
  const config = fileURLToPath(new URL("other-node.vitest.config.mjs", import.meta.url));
  const log = `${task.log}.${name}.tests`;
  const results = join(tree, `${name}.json`);
  const vitest = join(context.root, "node_modules", "vitest", "vitest.mjs");
  await runCommand(
    process.execPath,
    [
      ...[vitest, "run", "--config", config, "--root", tree],
      ...["--reporter", "default", "--reporter", "json", "--outputFile.json", results],
      ...tests,
    ],
    { cwd: tree, env: { ...context.env, OTHER_NODE: node, NO_COLOR: "1" }, log },
  );
  const { numPassedTests, numPendingTests } = JSON.parse(readFileSync(results, "utf8"));
  if (numPassedTests === 0) throw new Error(`no test ran: see ${log}`);
  return `${numPassedTests} tests passed, ${numPendingTests} skipped`;
}
