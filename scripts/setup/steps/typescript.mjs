import { readdirSync } from "node:fs";
import { join } from "node:path";
import { runCommand } from "../run-command.mjs";
import { fingerprint, listFiles } from "../stamp.mjs";

/** Compiles the packages to JavaScript. @type {import("../step.mjs").Step} */
export const typescript = {
  name: "typescript",
  title: () => "TypeScript",
  needs: [],
  fingerprint: ({ root }) =>
    fingerprint(root, [
      ...["package-lock.json", "tsconfig.json", "tsconfig.base.json"].map((name) => join(root, name)),
      ...packageFolders(root).flatMap((folder) => [
        join(folder, "package.json"),
        join(folder, "tsconfig.json"),
        ...listFiles(join(folder, "src"), (name) => !name.endsWith(".test.ts")),
      ]),
    ]),
  outputs: ({ root }) => packageFolders(root).map((folder) => join(folder, "dist", ".tsbuildinfo")),
  async run({ root, env }, task) {
    const compiler = join(root, "node_modules", "typescript", "bin", "tsc");
    await runCommand(process.execPath, [compiler, "--build", "--pretty", "false"], {
      cwd: root,
      env,
      log: task.log,
    });
  },
};

/** @param {string} root @returns {string[]} */
function packageFolders(root) {
  const packages = join(root, "packages");
  return readdirSync(packages)
    .sort()
    .map((name) => join(packages, name));
}
