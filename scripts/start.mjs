// Sets up, then answers a question with the default model. `npm start -- "Why is the sky blue?"`
import "./setup/check-node.mjs";

const { runSetupOrExit } = await import("./setup/run-setup.mjs");
const { generateArguments } = await import("./setup/generate-arguments.mjs");
const { runInForeground } = await import("./setup/run-in-foreground.mjs");

await runSetupOrExit();
await runInForeground(process.execPath, generateArguments(process.argv.slice(2)));
