// Makes the packages that users install, as .tgz files. `npm run pack`
import "./setup/check-node.mjs";

const { join } = await import("node:path");
const { runSetupOrExit } = await import("./setup/run-setup.mjs");
const { createContext } = await import("./setup/context.mjs");

await runSetupOrExit();
// imported late: it needs packages that set-up installs
const { packPackages } = await import("./packaging/pack-packages.mjs");
const { root, stateDir } = createContext();
for (const { tarball, sizeBytes } of await packPackages(root, join(stateDir, "packages"))) {
  console.log(`${tarball} (${(sizeBytes / 1e6).toFixed(2)} MB installed)`);
}
