/** Loads the addon and checks that the libmlx it found is the one it was built for. */
import { existsSync } from "node:fs";
import { createRequire } from "node:module";
import { fileURLToPath } from "node:url";
import { InvalidArgumentError, MlxError, type MlxErrorCode, WeightsError } from "../errors.ts";
import { keepCompiledKernels } from "./compiled-kernels.ts";
import type { NativeAddon } from "./native-addon.ts";
import { MLX_VERSION } from "./version.ts";

/** Builds of the addon, most capable first; each lies in build/<variant>/ beside vendor/<variant>/. */
const variants = ["metal", "cuda13", "cuda12", "cpu"] as const;
type Variant = (typeof variants)[number];

const require = createRequire(import.meta.url);
const packageRoot = fileURLToPath(new URL("../../", import.meta.url));

const platformPackage = (): string => `@abstractllm/mlx-${process.platform}-${process.arch}`;

const candidates = (): { variant: Variant; path: string }[] => {
  const wanted = process.env.ABSTRACTLLM_MLX_VARIANT;
  return variants
    .filter((variant) => wanted === undefined || wanted === variant)
    .map((variant) => ({ variant, path: `${packageRoot}build/${variant}/mlx.node` }))
    .filter(({ path }) => existsSync(path));
};

const explain = (problems: readonly string[]): string => {
  const tried = problems.length === 0 ? "" : `\nTried:\n${problems.map((p) => `  - ${p}`).join("\n")}`;
  return (
    `No MLX for ${process.platform}-${process.arch} could be loaded. Install ${platformPackage()}, or build from ` +
    `source with "npm run setup" (needs Python 3 with pip and a C++20 compiler). ` +
    `libmlx exists for macOS 14+ on Apple Silicon and for Linux with glibc 2.35+ on x64 and arm64.${tried}`
  );
};

const loadFrom = (path: string): NativeAddon => {
  const addon = require(path) as NativeAddon;
  const version = addon.version();
  if (version !== MLX_VERSION) {
    throw new Error(`found libmlx ${version}, but this build needs exactly ${MLX_VERSION}`);
  }
  return addon;
};

export interface LoadedAddon {
  addon: NativeAddon;
  variant: Variant | "prebuilt";
  path: string;
}

const load = (): LoadedAddon => {
  const problems: string[] = [];
  for (const { variant, path } of candidates()) {
    if (variant.startsWith("cuda")) keepCompiledKernels();
    try {
      return { addon: loadFrom(path), variant, path };
    } catch (error) {
      problems.push(`${path}: ${error instanceof Error ? error.message : String(error)}`);
    }
  }
  try {
    const path = require.resolve(platformPackage());
    return { addon: loadFrom(path), variant: "prebuilt", path };
  } catch (error) {
    problems.push(
      `${platformPackage()}: ${error instanceof Error ? (error.message.split("\n")[0] ?? "") : String(error)}`,
    );
  }
  throw new MlxError("unavailable", explain(problems), {
    details: { platform: process.platform, arch: process.arch },
  });
};

export const { addon: native, path: addonPath }: LoadedAddon = load();

/** Values of numbers standing where arrays may stand; the addon reads them by index. */
export const scalars = new Float64Array(8);

const errorFactory = (code: MlxErrorCode, op: string, message: string, shapes: string): MlxError => {
  const where = shapes === "" ? op : `${op}(${shapes})`;
  const text = `${where}: ${message}`;
  const options = { details: { op, shapes } };
  if (code === "invalid-argument") return new InvalidArgumentError(text, options);
  return code === "weights" ? new WeightsError(text, options) : new MlxError(code, text, options);
};

native.configure(scalars, errorFactory);
