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

/** Fetches MLX's shared library and headers. @type {import("../step.mjs").Step} */
export const libmlx = {
  name: "libmlx",
  usesLibmlx: true,
  title: ({ variant }) => `libmlx ${libmlxVersion} (${variant})`,
  needs: ["python", "c-library"],
  fingerprint: ({ root, variant }) =>
    fingerprint(root, [], [libmlxVersion, variant, process.platform, process.arch]),
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
        requirements: [`${libmlxPackages[variant]}==${libmlxVersion}`],
        // the CUDA builds take NVIDIA's libraries from their own wheels
        withDependencies: variant === "cuda12" || variant === "cuda13",
      },
      task.show,
    );
  },
};
