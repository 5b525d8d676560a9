// Sets up, then checks everything but behaviour. `npm run lint`
import "./setup/check-node.mjs";

const { runSetupOrExit } = await import("./setup/run-setup.mjs");
const { createContext } = await import("./setup/context.mjs");

await runSetupOrExit();
// imported late: the checks need packages that set-up installs
const { runChecks } = await import("./checks/run-checks.mjs");
process.exitCode = runChecks(createContext().root).length === 0 ? 0 : 1;
