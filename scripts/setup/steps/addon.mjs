import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { buildAddon } from "../build-addon.mjs";
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
      listFiles(sourceFolder(root)),
      // the addon records where libmlx lies, so a moved checkout is built again
      [
        ...[libmlxVersion, headersVersion(root), variant, process.platform, process.arch, root],
        ...[env.CXX ?? "", env.CXXFLAGS ?? ""],
      ],
    ),
  outputs: ({ root, variant }) => [join(buildFolder(root, variant), "mlx.node")],
  async run(context, task) {
    const { root, variant } = context;
    if (!existsSync(join(sourceFolder(root), "CMakeLists.txt"))) {
      throw new SetupError(`${sourceFolder(root)} has no CMakeLists.txt: this checkout is incomplete.`);
    }
    await buildAddon(context, task, {
      source: sourceFolder(root),
      build: buildFolder(root, variant),
      libmlx: libmlxFolder(context),
    });
  },
};

/** @param {string} root @returns {string} version of the Node-API headers the addon is compiled with */
function headersVersion(root) {
  const { packages } = JSON.parse(readFileSync(join(root, "package-lock.json"), "utf8"));
  return packages["node_modules/node-api-headers"].version;
}

/** @param {string} root @returns {string} folder of the addon's CMakeLists.txt */
export function sourceFolder(root) {
  return join(root, "packages", "mlx", "native");
}

/** @param {string} root @param {string} variant @returns {string} where the addon for a libmlx is built */
export function buildFolder(root, variant) {
  return join(root, "packages", "mlx", "build", variant);
}
