// Sets up, then measures. `npm run bench`, `npm run bench -- smollm2 overhead`, `npm run bench -- --help`
import "../scripts/setup/check-node.mjs";

const { fileURLToPath } = await import("node:url");
const { runSetupOrExit } = await import("../scripts/setup/run-setup.mjs");
const { runInForeground } = await import("../scripts/setup/run-in-foreground.mjs");

await runSetupOrExit();
const main = fileURLToPath(new URL("main.ts", import.meta.url));
await runInForeground(process.execPath, ["--import", "tsx", main, ...process.argv.slice(2)]);
