// Checks everything but behaviour, on a checkout that is set up. `npm run lint`
import "./setup/check-node.mjs";

const { createContext } = await import("./setup/context.mjs");
const { runChecks } = await import("./checks/run-checks.mjs");

process.exitCode = runChecks(createContext().root).length === 0 ? 0 : 1;
