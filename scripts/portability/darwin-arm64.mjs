import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { buildAddon } from "../setup/build-addon.mjs";
import { libmlxPackages } from "../setup/libmlx-variant.mjs";
import { sourceFolder } from "../setup/steps/addon.mjs";
import { libmlxVersion } from "../setup/steps/libmlx.mjs";
import { CannotCheck, expectNoneMissing } from "./check.mjs";
import { foreignWheel } from "./foreign-wheel.mjs";
import { readMachOSymbols } from "./mach-o-symbols.mjs";

/** Clang 18 with macOS headers and stubs, so that neither a Mac nor Apple's SDK is needed. */
const zigRequirement = "ziglang==0.13.0";
const oldestMacOS = "14.0";

/** @param {string} zig - path of the program */
const toolchain = (zig) => `set(CMAKE_SYSTEM_NAME Darwin)
set(CMAKE_SYSTEM_PROCESSOR arm64)
set(CMAKE_CXX_COMPILER ${zig} c++ -target aarch64-macos.${oldestMacOS})
# asked for and never used: no library is made and nothing is installed
foreach(TOOL AR RANLIB INSTALL_NAME_TOOL)
  set(CMAKE_\${TOOL} /bin/false)
endforeach()
`;

/** Builds the addon for Macs, where it cannot be run. @type {import("./check.mjs").MachineCheck} */
export const darwinArm64 = {
  title: `the addon builds for macOS ${oldestMacOS} on Apple Silicon and finds every symbol`,
  async run(context, task) {
    if (process.platform === "darwin") throw new CannotCheck("npm test builds and runs it on a Mac");
    const zig = await foreignWheel(context, task, zigRequirement);
    const platform = `macosx_${oldestMacOS.replace(".", "_")}_arm64`;
    const libmlx = await foreignWheel(context, task, `${libmlxPackages.metal}==${libmlxVersion}`, platform);
    const folder = join(context.stateDir, "portability", "darwin-arm64");
    mkdirSync(folder, { recursive: true });
    const toolchainFile = join(folder, "toolchain.cmake");
    writeFileSync(toolchainFile, toolchain(join(zig, "ziglang", "zig")));
    const addon = await buildAddon(
      { ...context, env: { ...context.env, ZIG_GLOBAL_CACHE_DIR: join(folder, "zig-cache") } },
      task,
      {
        source: sourceFolder(context.root),
        build: join(folder, "build", "metal"),
        libmlx: join(libmlx, "mlx"),
        settings: [`-DCMAKE_TOOLCHAIN_FILE=${toolchainFile}`],
      },
    );
    return checkSymbols(addon, join(libmlx, "mlx", "lib", "libmlx.dylib"));
  },
};

/**
 * The linker has found what comes from the system; Node brings its own functions.
 *
 * @param {string} addonPath
 * @param {string} libmlxPath
 */
function checkSymbols(addonPath, libmlxPath) {
  const addon = readMachOSymbols(addonPath);
  const libmlx = readMachOSymbols(libmlxPath);
  const isFrom = (/** @type {RegExp} */ library) => addon.undefined_.filter(({ from }) => library.test(from));
  // zig says "itself" of what is left to load time, Apple's linker "anywhere"
  const [fromLibmlx, fromNode] = [isFrom(/libmlx/), isFrom(/^(anywhere|itself)$/)];
  if (fromLibmlx.length === 0) throw new Error(`${addonPath} takes nothing from libmlx`);
  expectNoneMissing("the addon", [
    ...fromLibmlx.filter(({ name }) => !libmlx.defined.has(name)).map(({ name }) => name),
    ...fromNode.filter(({ name }) => !name.startsWith("_napi_")).map(({ name }) => name),
  ]);
  if (addon.oldestMacOS !== oldestMacOS) throw new Error(`the addon needs macOS ${addon.oldestMacOS}`);
  const others = addon.undefined_.length - fromLibmlx.length - fromNode.length;
  return `${fromLibmlx.length} symbols from libmlx, ${fromNode.length} from Node, ${others} from the system`;
}
