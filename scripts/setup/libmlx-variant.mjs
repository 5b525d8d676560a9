import { SetupError } from "./setup-error.mjs";

/** @typedef {"cpu" | "metal" | "cuda12" | "cuda13"} Variant */

/** @type {Record<Variant, string>} PyPI package of each variant */
export const libmlxPackages = {
  cpu: "mlx-cpu",
  metal: "mlx-metal",
  cuda12: "mlx-cuda-12",
  cuda13: "mlx-cuda-13",
};

/** @type {Record<string, readonly Variant[]>} variants with a wheel, the default first */
const variantsByPlatform = {
  "darwin-arm64": ["metal"],
  "linux-x64": ["cpu", "cuda12", "cuda13"],
  "linux-arm64": ["cpu", "cuda12", "cuda13"],
};

/** Platforms that have a libmlx, such as `linux-x64`. */
export const mlxPlatforms = Object.keys(variantsByPlatform);

const elsewhere =
  "MLX runs on Linux (x64 or arm64, glibc 2.35 or newer) and on macOS 14 or newer with Apple Silicon.";

/**
 * Chooses which libmlx this machine gets.
 *
 * @param {string | undefined} asked - value of `ABSTRACTLLM_MLX`; empty means the platform's default
 * @param {{ platform: string, arch: string }} machine
 * @returns {Variant}
 * @throws {SetupError} when the platform has no libmlx, or not the one asked for
 */
export function libmlxVariant(asked, { platform, arch }) {
  const variants = variantsByPlatform[`${platform}-${arch}`];
  const [preferred] = variants ?? [];
  if (variants === undefined || preferred === undefined) throw new SetupError(unsupported(platform, arch));
  if (asked === undefined || asked === "") return preferred;
  const variant = variants.find((name) => name === asked);
  if (variant !== undefined) return variant;
  throw new SetupError(
    `ABSTRACTLLM_MLX="${asked}" is not available on ${platform}-${arch}: expected ${variants.join(" or ")}.`,
  );
}

/** @param {string} platform @param {string} arch */
function unsupported(platform, arch) {
  if (platform === "win32") {
    return `The MLX addon cannot be built on Windows. ${elsewhere} Use WSL 2 with Ubuntu 22.04 or newer.`;
  }
  if (platform === "darwin") return `There is no MLX for Macs with an Intel processor. ${elsewhere}`;
  return `There is no MLX for ${platform}-${arch}. ${elsewhere}`;
}

/**
 * Says why the C library of this machine cannot load libmlx.
 *
 * @param {string} platform
 * @param {string | undefined} glibcVersion - as Node reports it; undefined where the C library is not glibc
 * @returns {string | undefined} one line, or undefined when it can
 */
export function cLibraryProblem(platform, glibcVersion) {
  if (platform !== "linux") return undefined;
  if (glibcVersion === undefined) {
    return "libmlx needs glibc, and this Linux uses another C library (musl?). Use a glibc distribution, for example Debian 12 or Ubuntu 22.04.";
  }
  const [major = 0, minor = 0] = glibcVersion.split(".").map(Number);
  if (major > 2 || (major === 2 && minor >= 35)) return undefined;
  return `libmlx needs glibc 2.35 or newer and this system has ${glibcVersion}. Use a newer distribution, for example Debian 12 or Ubuntu 22.04.`;
}

/** @returns {string | undefined} version of the glibc this Node runs on */
export function runningGlibcVersion() {
  // the report would otherwise look up the names of every network peer
  Object.assign(process.report, { excludeNetwork: true });
  const report = /** @type {{ header?: { glibcVersionRuntime?: string } }} */ (process.report.getReport());
  return report.header?.glibcVersionRuntime;
}
