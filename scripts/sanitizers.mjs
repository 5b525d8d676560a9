// Builds the addon's kernels with sanitizers and tests them. `npm run test:sanitizers`
import "./setup/check-node.mjs";

const { join } = await import("node:path");
const { runSetupOrExit } = await import("./setup/run-setup.mjs");
const { createContext } = await import("./setup/context.mjs");
const { runMachineChecks } = await import("./portability/check.mjs");
const { addonTests, kernelPrograms } = await import("./sanitizers/checks.mjs");

await runSetupOrExit();
const context = createContext();
const checks = [
  kernelPrograms("thread", ["thread_pool_test"]),
  kernelPrograms("address,undefined", ["thread_pool_test", "matmul_test", "experts_test", "attention_test"]),
  addonTests,
];
const failures = await runMachineChecks(checks, context, (i) =>
  join(context.stateDir, "logs", `sanitizers-${i}.log`),
);
process.exitCode = failures === 0 ? 0 : 1;
