// Makes this checkout ready to run. `npm run setup`
import "./setup/check-node.mjs";

// imported late: older Nodes cannot even load it, and should get a message instead
const { runSetupOrExit } = await import("./setup/run-setup.mjs");
const count = await runSetupOrExit();
console.error(count === 0 ? "Everything is set up." : "Set-up is complete.");
