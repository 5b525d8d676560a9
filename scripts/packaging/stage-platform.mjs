import { cpSync, existsSync, readFileSync, writeFileSync } from "node:fs";
import { join, relative } from "node:path";
import { libmlxVariant } from "../setup/libmlx-variant.mjs";
import { listFiles } from "../setup/stamp.mjs";
import { grammarFolder } from "../setup/steps/grammar.mjs";
import { crateLicenses } from "./crate-licenses.mjs";
import { writeManifest } from "./stage.mjs";

/** @param {string} platform - such as `linux-x64` @returns {string} name of the package with its addon */
export function platformPackageName(platform) {
  return `@abstractllm/mlx-${platform}`;
}

/** The platform that this machine builds for. */
export const thisPlatform = `${process.platform}-${process.arch}`;

/**
 * Stages the package with this platform's addon and libmlx, so that users need neither Python nor a compiler.
 *
 * @type {import("./stage.mjs").Stage}
 */
export function stagePlatform(root, folder) {
  const source = join(root, "packages", "mlx");
  const variant = libmlxVariant(undefined, process); // the CUDA builds of libmlx are too large for npm
  const { version, license, engines } = JSON.parse(readFileSync(join(source, "package.json"), "utf8"));
  const vendor = join(source, "vendor", variant);
  // the addon finds libmlx, and libmlx its own libraries, by paths relative to each other
  const addon = join(source, "build", variant, "mlx.node");
  const libraries = listFiles(vendor).filter((path) => isNeeded(relative(vendor, path)));
  for (const path of [addon, ...libraries]) cpSync(path, join(folder, relative(source, path)));
  stageGrammar(root, folder);
  cpSync(join(root, "LICENSE"), join(folder, "LICENSE"));
  writeManifest(folder, {
    name: platformPackageName(thisPlatform),
    version,
    description: `The native addon of @abstractllm/mlx for ${thisPlatform}, with libmlx.`,
    license,
    engines,
    os: [process.platform],
    cpu: [process.arch],
    ...(process.platform === "linux" ? { libc: ["glibc"] } : {}),
    type: "commonjs", // an addon is loaded by require
    main: relative(source, addon),
    files: ["build", "vendor"],
  });
}

/** The grammar engine, where Rust could build it, and the licences of what is in it. @type {(root: string, folder: string) => void} */
function stageGrammar(root, folder) {
  const source = grammarFolder(root);
  if (!existsSync(join(source, "grammar.node"))) {
    console.warn(
      "Without the grammar engine: it was not built. Install Rust and run set-up before publishing.",
    );
    return;
  }
  const target = join(folder, relative(join(root, "packages", "mlx"), source));
  cpSync(source, target, { recursive: true });
  writeFileSync(join(target, "LICENSES.txt"), crateLicenses(join(root, "packages", "mlx", "native-grammar")));
}

/** What runs, and the licences: no headers. @param {string} path - inside the wheel */
function isNeeded(path) {
  return /^(mlx\/lib|[^/]+\.libs|[^/]+\.dist-info\/(licenses|sboms))\//.test(path);
}
