// Adds the optional packages of other platforms that npm left out of package-lock.json, so that
// `npm ci` works everywhere. npm leaves them out when the registry it asked does not carry them.
// `npm run lockfile`
import "./setup/check-node.mjs";

const { readFileSync, writeFileSync } = await import("node:fs");
const { join } = await import("node:path");
const { createContext } = await import("./setup/context.mjs");
const { missingOptionalPackages } = await import("./checks/missing-optional-packages.mjs");

const path = join(createContext().root, "package-lock.json");
const lock = JSON.parse(readFileSync(path, "utf8"));
const missing = missingOptionalPackages(lock.packages);
const entries = Object.entries({ ...lock.packages, ...missing }).sort(([a], [b]) => (a < b ? -1 : 1));
if (Object.keys(missing).length > 0) {
  writeFileSync(path, `${JSON.stringify({ ...lock, packages: Object.fromEntries(entries) }, null, 2)}\n`);
}
console.log(`Added ${Object.keys(missing).length} packages to package-lock.json.`);
