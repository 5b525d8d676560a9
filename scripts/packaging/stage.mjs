import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";

/**
 * Writes into an empty folder what a package holds when it is installed.
 *
 * @callback Stage
 * @param {string} root - of the repository, set up
 * @param {string} folder
 * @returns {void | Promise<void>}
 */

/** Copies a compiled file without its pointer to a source map: the sources are not installed. @param {string} from @param {string} to */
export function copyText(from, to) {
  mkdirSync(dirname(to), { recursive: true });
  writeFileSync(to, readFileSync(from, "utf8").replace(/\n?\/\/# sourceMappingURL=.*\n?$/, "\n"));
}

/** @param {string} folder @param {object} manifest - what package.json says */
export function writeManifest(folder, manifest) {
  writeFileSync(join(folder, "package.json"), `${JSON.stringify(manifest, null, 2)}\n`);
}
