import { spawnSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";

/**
 * The licences of the crates that a crate is built from, as their packages hold them.
 *
 * @param {string} folder - of its Cargo.toml and Cargo.lock
 * @returns {string} each text with the crates it is of
 * @throws {Error} when cargo cannot tell
 */
export function crateLicenses(folder) {
  const args = ["metadata", "--locked", "--format-version", "1"];
  const { status, stdout, stderr } = spawnSync("cargo", args, {
    cwd: folder,
    encoding: "utf8",
    maxBuffer: 64 * 1024 * 1024,
  });
  if (status !== 0) throw new Error(`cargo ${args.join(" ")} failed in ${folder}:\n${stderr}`);
  /** @type {{ packages: { name: string, version: string, license: string | null, manifest_path: string, source: string | null }[] }} */
  const { packages } = JSON.parse(stdout);
  /** @type {Map<string, string[]>} crates by the text of their licence, which many share */
  const crates = new Map();
  for (const { name, version, license, manifest_path, source } of packages) {
    if (source === null) continue; // the crate itself
    const texts = licenseTexts(dirname(manifest_path));
    const title = `# ${name} ${version} (${license ?? "see its text"})`;
    for (const text of texts.length === 0 ? [""] : texts) {
      crates.set(text, [...(crates.get(text) ?? []), title]);
    }
  }
  return [...crates].map(([text, titles]) => `${titles.join("\n")}\n\n${text}`).join("\n\n");
}

/** @param {string} folder @returns {string[]} */
function licenseTexts(folder) {
  const names = readdirSync(folder).filter((name) => /^(licen[cs]e|copying|unlicense|notice)/i.test(name));
  return names.sort().map((name) => readFileSync(join(folder, name), "utf8").trim());
}
