// Compares the goldens, and what tests need Python for, with Python itself. `npm run test:oracle`
import "./setup/check-node.mjs";

const { runSetupOrExit } = await import("./setup/run-setup.mjs");
const { runOracle } = await import("./oracle/run-oracle.mjs");

await runSetupOrExit();
const failed = await runOracle();
if (failed.length > 0) console.error(`Failed: ${failed.join(", ")} (see above).`);
process.exitCode = failed.length === 0 ? 0 : 1;
