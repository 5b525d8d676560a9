import { cpSync, readFileSync } from "node:fs";
import { join, relative } from "node:path";
import { bundle } from "./bundle.mjs";
import { reachableDeclarations } from "./declarations.mjs";
import { copyText, writeManifest } from "./stage.mjs";

/**
 * Stages a package without native code: its code bundled, the types of its exports.
 *
 * @param {string} name - folder below `packages`
 * @param {Readonly<Record<string, string>>} entries - compiled file of each entry by its name in the bundle
 * @returns {import("./stage.mjs").Stage}
 */
export function stageBundled(name, entries) {
  return async (root, folder) => {
    const source = join(root, "packages", name);
    const dist = join(source, "dist");
    const paths = Object.entries(entries).map(([entry, path]) => [entry, join(dist, path)]);
    await bundle(Object.fromEntries(paths), join(folder, "dist"));
    const {
      private: _,
      devDependencies: _tests,
      ...manifest
    } = JSON.parse(readFileSync(join(source, "package.json"), "utf8"));
    const typed = Object.values(manifest.exports).filter(({ types }) => types !== undefined);
    const declarations = typed.map(({ types }) => join(source, types));
    for (const path of reachableDeclarations(declarations, dist)) {
      copyText(path, join(folder, "dist", relative(dist, path)));
    }
    cpSync(join(source, "README.md"), join(folder, "README.md"));
    cpSync(join(root, "LICENSE"), join(folder, "LICENSE"));
    writeManifest(folder, manifest);
  };
}
