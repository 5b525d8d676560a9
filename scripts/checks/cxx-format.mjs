import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { findOnPath } from "../setup/prerequisites.mjs";
import { listFiles } from "../setup/stamp.mjs";

/**
 * Checks the addon's sources with clang-format, where it is installed and the sources say how they are formatted.
 *
 * @param {string} root - of the repository
 * @returns {{ isClean: boolean, output: string } | undefined} undefined when there is nothing to check with
 */
export function checkCxxFormat(root) {
  const native = join(root, "packages", "mlx", "native");
  const program = findOnPath("clang-format", process.env);
  if (program === undefined || !existsSync(join(native, ".clang-format"))) return undefined;
  const sources = listFiles(native).filter((path) => /\.(cc|cpp|h|hpp)$/.test(path));
  const { status, stderr } = spawnSync(program, ["--dry-run", "--Werror", ...sources], {
    cwd: root,
    encoding: "utf8",
  });
  return { isClean: status === 0, output: stderr };
}
