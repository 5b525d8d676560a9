// Builds for other platforms and tries what can be tried of them here. `npm run test:portability`
import "./setup/check-node.mjs";

const { join } = await import("node:path");
const { runSetupOrExit } = await import("./setup/run-setup.mjs");
const { createContext } = await import("./setup/context.mjs");
const { runMachineChecks } = await import("./portability/check.mjs");
const { cudaSymbols } = await import("./portability/cuda-symbols.mjs");
const { darwinArm64 } = await import("./portability/darwin-arm64.mjs");
const { linuxArm64 } = await import("./portability/linux-arm64.mjs");
const { x64Instructions } = await import("./portability/x64-instructions.mjs");

await runSetupOrExit();
const context = createContext();
const checks = [cudaSymbols("cuda12"), cudaSymbols("cuda13"), darwinArm64, linuxArm64, x64Instructions];
const failures = await runMachineChecks(checks, context, (i) =>
  join(context.stateDir, "logs", `portability-${i}.log`),
);
process.exitCode = failures === 0 ? 0 : 1;
