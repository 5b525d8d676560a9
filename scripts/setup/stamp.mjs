import { createHash } from "node:crypto";
import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join, relative, sep } from "node:path";

/**
 * Lists the files below a folder, sorted, so that equal trees give equal lists.
 *
 * @param {string} folder - one that does not exist has no files
 * @param {(name: string, isFolder: boolean) => boolean} keep - asked for each entry; a refused folder is not entered
 * @returns {string[]} absolute paths
 */
export function listFiles(folder, keep = () => true) {
  /** @type {import("node:fs").Dirent[]} */
  let entries;
  try {
    entries = readdirSync(folder, { withFileTypes: true });
  } catch (error) {
    if (isMissing(error)) return [];
    throw error;
  }
  return entries
    .filter((entry) => keep(entry.name, entry.isDirectory()))
    .flatMap((entry) => {
      const path = join(folder, entry.name);
      if (entry.isDirectory()) return listFiles(path, keep);
      return entry.isFile() ? [path] : [];
    })
    .sort();
}

/**
 * Hashes what a step depends on.
 *
 * @param {string} root - paths count relative to this, so a moved checkout keeps its hash
 * @param {readonly string[]} files - absolute paths; a missing file hashes as missing
 * @param {readonly string[]} [facts] - versions, flags and the like
 * @returns {string} hexadecimal SHA-256
 */
export function fingerprint(root, files, facts = []) {
  const hash = createHash("sha256").update(JSON.stringify(facts));
  for (const file of files) {
    hash.update(`\0${relative(root, file).split(sep).join("/")}\0`);
    hash.update(readOrUndefined(file) ?? "missing");
  }
  return hash.digest("hex");
}

/** @param {string} file @returns {Buffer | undefined} */
function readOrUndefined(file) {
  try {
    return readFileSync(file);
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
}

/** @param {unknown} error */
function isMissing(error) {
  return error instanceof Error && "code" in error && (error.code === "ENOENT" || error.code === "ENOTDIR");
}

/** Fingerprints of the steps that are done, one small file each. */
export class Stamps {
  /** @param {string} folder */
  constructor(folder) {
    this.folder = folder;
  }

  /** @param {string} name @returns {string | undefined} the fingerprint recorded when the step last succeeded */
  read(name) {
    return readOrUndefined(join(this.folder, name))?.toString("utf8").trim();
  }

  /** Records a step as done; a reader sees the old value or the new one, never half. @param {string} name @param {string} value */
  write(name, value) {
    mkdirSync(this.folder, { recursive: true });
    const temporary = join(this.folder, `${name}.${process.pid}.tmp`);
    writeFileSync(temporary, `${value}\n`);
    renameSync(temporary, join(this.folder, name));
  }

  /** @param {string} name */
  clear(name) {
    rmSync(join(this.folder, name), { force: true });
  }
}
