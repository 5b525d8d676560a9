import { existsSync, renameSync } from "node:fs";
import { join } from "node:path";
import { fetchWheels } from "../fetch-wheels.mjs";
import { libmlxPackages } from "../libmlx-variant.mjs";
import { fingerprint } from "../stamp.mjs";

/** The addon is compiled against exactly this C++ API. */
export const libmlxVersion = "0.32.4";

/** @param {import("../context.mjs").Context} context @returns {string} folder of libmlx's `include` and `lib` */
export function libmlxFolder({ root, variant }) {
  return join(vendorFolder(root, variant), "mlx");
}

/** @param {string} root @param {string} variant */
function vendorFolder(root, variant) {
  return join(root, "packages", "mlx", "vendor", variant);
}

/**
 * Headers that the CUDA builds of libmlx compile kernels with at run time. Their wheels don't ask for them: with those of a
 * CUDA toolkit in the system they would do, which would then have to fit.
 *
 * @type {Partial<Record<import("../libmlx-variant.mjs").Variant, readonly string[]>>}
 */
const kernelHeaders = {
  cuda12: ["nvidia-cuda-runtime-cu12==12.9.*", "nvidia-cuda-nvcc-cu12==12.9.*"],
  cuda13: ["nvidia-cuda-crt==13.*"],
};

/** The compiler's wheel for CUDA 12 is kept for its headers alone. @param {string} name - of a file in a wheel */
const isNeeded = (name) =>
  !name.startsWith("nvidia/cuda_nvcc/") || name.startsWith("nvidia/cuda_nvcc/include/crt/");

/** Puts the compiler's headers where libmlx looks. @param {string} folder - of the unpacked wheels */
function joinHeaders(folder) {
  const compiler = join(folder, "nvidia", "cuda_nvcc", "include", "crt");
  if (existsSync(compiler)) renameSync(compiler, join(folder, "nvidia", "cuda_runtime", "include", "crt"));
}

/** Fetches MLX's shared library and headers. @type {import("../step.mjs").Step} */
export const libmlx = {
  name: "libmlx",
  usesLibmlx: true,
  title: ({ variant }) => `libmlx ${libmlxVersion} (${variant})`,
  needs: ["python", "c-library"],
  fingerprint: ({ root, variant }) =>
    fingerprint(
      root,
      [],
      [libmlxVersion, variant, process.platform, process.arch, ...(kernelHeaders[variant] ?? [])],
    ),
  outputs: (context) => {
    const folder = libmlxFolder(context);
    const library = process.platform === "darwin" ? "libmlx.dylib" : "libmlx.so";
    return [join(folder, "lib", library), join(folder, "include", "mlx", "mlx.h")];
  },
  async run(context, task) {
    const { root, variant } = context;
    await fetchWheels(
      context,
      task.log,
      vendorFolder(root, variant),
      {
        requirements: [`${libmlxPackages[variant]}==${libmlxVersion}`, ...(kernelHeaders[variant] ?? [])],
        // the CUDA builds take NVIDIA's libraries from their own wheels
        withDependencies: variant === "cuda12" || variant === "cuda13",
        keep: isNeeded,
      },
      task.show,
    );
    joinHeaders(vendorFolder(root, variant));
  },
};
