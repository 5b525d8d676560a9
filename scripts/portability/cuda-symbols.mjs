import { existsSync } from "node:fs";
import { join } from "node:path";
import { libmlxPackages } from "../setup/libmlx-variant.mjs";
import { buildFolder } from "../setup/steps/addon.mjs";
import { libmlxFolder, libmlxVersion } from "../setup/steps/libmlx.mjs";
import { CannotCheck, expectNoneMissing } from "./check.mjs";
import { neededGlibc, readElfSymbols } from "./elf-symbols.mjs";
import { foreignWheel } from "./foreign-wheel.mjs";

const library = "mlx/lib/libmlx.so";

/**
 * Compares what the addon built for the CPU takes from libmlx with what a CUDA libmlx has.
 *
 * @param {"cuda12" | "cuda13"} variant
 * @returns {import("./check.mjs").MachineCheck}
 */
export const cudaSymbols = (variant) => ({
  title: `the CPU addon of Linux x64 finds every symbol in ${libmlxPackages[variant]}`,
  async run(context, task) {
    const addon = join(buildFolder(context.root, "cpu"), "mlx.node");
    if (process.platform !== "linux" || process.arch !== "x64" || !existsSync(addon)) {
      throw new CannotCheck("needs the addon of Linux x64, which npm run setup builds there");
    }
    const requirement = `${libmlxPackages[variant]}==${libmlxVersion}`;
    const wheel = await foreignWheel(context, task, requirement, undefined, (name) => name === library);
    const cpu = readElfSymbols(join(libmlxFolder({ ...context, variant: "cpu" }), "lib", "libmlx.so"));
    const cuda = readElfSymbols(join(wheel, library));
    const symbols = readElfSymbols(addon);
    const needed = [...symbols.undefined_].filter((name) => cpu.defined.has(name));
    if (needed.length === 0) throw new Error(`${addon} takes nothing from libmlx`);
    expectNoneMissing(
      "the addon",
      needed.filter((name) => !cuda.defined.has(name)),
    );
    return `${needed.length} symbols; the addon needs ${neededGlibc(symbols)}`;
  },
});
