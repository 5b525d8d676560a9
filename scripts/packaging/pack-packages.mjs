import { spawnSync } from "node:child_process";
import { mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { stageAISDK } from "./stage-ai-sdk.mjs";
import { stageCore } from "./stage-core.mjs";
import { stageMlx } from "./stage-mlx.mjs";
import { platformPackageName, stagePlatform, thisPlatform } from "./stage-platform.mjs";
import { stageServer } from "./stage-server.mjs";

/**
 * A package as users install it.
 *
 * @typedef {object} PackedPackage
 * @property {string} name
 * @property {string} folder - with what it holds
 * @property {string} tarball - path
 * @property {number} sizeBytes - when installed
 */

/** @type {Record<string, import("./stage.mjs").Stage>} */
const stages = {
  abstractllm: stageCore,
  "@abstractllm/mlx": stageMlx,
  [platformPackageName(thisPlatform)]: stagePlatform,
  "@abstractllm/server": stageServer,
  "@abstractllm/ai-sdk": stageAISDK,
};

/**
 * Makes the packages that users install.
 *
 * @param {string} root - of the repository, set up
 * @param {string} folder - emptied first
 * @param {readonly string[]} [names] - default all that this platform makes
 * @returns {Promise<PackedPackage[]>} in the order of `names`
 * @throws {Error} when one cannot be packed
 */
export async function packPackages(root, folder, names = Object.keys(stages)) {
  rmSync(folder, { recursive: true, force: true });
  const packed = [];
  for (const name of names) {
    const staged = join(folder, name.replace("/", "-").replace("@", ""));
    mkdirSync(staged, { recursive: true });
    await stages[name]?.(root, staged);
    packed.push({ name, folder: staged, ...pack(staged, folder) });
  }
  return packed;
}

/** @param {string} staged @param {string} folder */
function pack(staged, folder) {
  const args = ["pack", "--json", "--ignore-scripts", "--pack-destination", folder];
  const { status, stdout, stderr } = spawnSync("npm", args, { cwd: staged, encoding: "utf8" });
  if (status !== 0) throw new Error(`npm ${args.join(" ")} failed in ${staged}:\n${stderr}`);
  const [{ filename, unpackedSize }] = JSON.parse(stdout);
  return { tarball: join(folder, filename), sizeBytes: unpackedSize };
}
