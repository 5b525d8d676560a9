// Makes the packages that users install, as .tgz files. `npm run pack`
import "./setup/check-node.mjs";

const { join } = await import("node:path");
const { runSetupOrExit } = await import("./setup/run-setup.mjs");
const { createContext } = await import("./setup/context.mjs");
const { packPackages } = await import("./packaging/pack-packages.mjs");

await runSetupOrExit();
const { root, stateDir } = createContext();
for (const { tarball, sizeBytes } of await packPackages(root, join(stateDir, "packages"))) {
  console.log(`${tarball} (${(sizeBytes / 1e6).toFixed(2)} MB installed)`);
}
