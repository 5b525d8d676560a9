/**
 * Writes the two generated sides of the operation table, and the page of architectures. `--check` only compares and fails when they are stale.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { architecturesPage } from "./emit-architectures.ts";
import { cppRegistration } from "./emit-cpp.ts";
import { nativeInterface } from "./emit-native.ts";
import { typescriptModule } from "./emit-typescript.ts";
import { ops } from "./ops-table.ts";

const packageRoot = new URL("../", import.meta.url);

const outputs = (): Map<string, string> => {
  const files = new Map<string, string>();
  for (const group of [undefined, "fast", "random", "linalg"] as const) {
    const rows = ops.filter((row) => row.group === group);
    files.set(`src/core/generated/${group ?? "ops"}.ts`, typescriptModule(rows));
  }
  files.set("src/core/generated/native-ops.ts", nativeInterface(ops));
  files.set("native/src/ops.gen.cc", cppRegistration(ops));
  files.set("../../docs/architectures.md", architecturesPage());
  return files;
};

const current = (path: URL): string => {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
};

const isCheck = process.argv.includes("--check");
let stale = 0;
for (const [name, text] of outputs()) {
  const path = new URL(name, packageRoot);
  if (current(path) === text) continue;
  stale += 1;
  if (isCheck) process.stderr.write(`${fileURLToPath(path)} is stale: run "npm run generate"\n`);
  else writeFileSync(path, text);
}
if (isCheck && stale > 0) process.exitCode = 1;
