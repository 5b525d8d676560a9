import { spawnSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { checkCxxFormat } from "./cxx-format.mjs";
import { guideProblems } from "./guide-code.mjs";
import { missingOptionalPackages } from "./missing-optional-packages.mjs";
import { undocumentedExports } from "./undocumented-exports.mjs";

/**
 * A check of the sources: a program of node_modules with its arguments.
 *
 * @typedef {object} Check
 * @property {string} name
 * @property {string} program - below node_modules
 * @property {readonly string[]} args
 * @property {string} [onlyWith] - skipped while this file does not exist
 */

/** @type {readonly Check[]} */
const checks = [
  { name: "biome", program: "@biomejs/biome/bin/biome", args: ["check", "--error-on-warnings", "."] },
  {
    name: "dependency-cruiser",
    program: "dependency-cruiser/bin/dependency-cruise.mjs",
    args: ["--config", ".dependency-cruiser.cjs", "packages/*/{src,test,codegen}"],
  },
  { name: "knip", program: "knip/bin/knip.js", args: [] },
  { name: "types of tests and scripts", program: "typescript/bin/tsc", args: ["-p", "tsconfig.tests.json"] },
  {
    name: "generated files are current",
    program: "tsx/dist/cli.mjs",
    args: ["packages/mlx/codegen/generate.ts", "--check"],
    onlyWith: "packages/mlx/codegen/generate.ts",
  },
];

/**
 * Checks everything but behaviour, printing one line per check and the output of those that fail.
 *
 * @param {string} root - of the repository
 * @returns {string[]} names of the checks that failed
 */
export function runChecks(root) {
  const failed = [];
  for (const check of checks) {
    if (check.onlyWith !== undefined && !existsSync(join(root, check.onlyWith))) continue;
    const result = spawnSync(process.execPath, [join(root, "node_modules", check.program), ...check.args], {
      cwd: root,
      encoding: "utf8",
      maxBuffer: 64 * 1024 * 1024,
    });
    if (!report(check.name, result.status === 0, `${result.stdout}${result.stderr}`)) failed.push(check.name);
  }
  const missing = Object.keys(
    missingOptionalPackages(JSON.parse(readFileSync(join(root, "package-lock.json"), "utf8")).packages),
  );
  const advice = `package-lock.json lacks ${missing.join(", ")}; npm ci fails without them. Run: npm run lockfile`;
  if (!report("package-lock.json is complete", missing.length === 0, advice))
    failed.push("package-lock.json");
  const silent = undocumentedExports(root);
  if (!report("every public export is documented", silent.length === 0, silent.join("\n")))
    failed.push("documentation");
  const problems = guideProblems(root);
  if (!report("code in the guides compiles", problems.length === 0, problems.join("\n")))
    failed.push("guides");
  const format = checkCxxFormat(root);
  if (format !== undefined && !report("clang-format", format.isClean, format.output))
    failed.push("clang-format");
  return failed;
}

/** @param {string} name @param {boolean} isGood @param {string} output @returns {boolean} `isGood` */
function report(name, isGood, output) {
  console.log(`${name} ... ${isGood ? "ok" : "failed"}`);
  if (!isGood) console.log(output.trimEnd());
  return isGood;
}
