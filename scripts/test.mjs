// Sets up, then runs every check and test. `npm test`, `npm test -- packages/mlx/src/hub`, `npm run test:long`,
// `npm run test:gpu`
import "./setup/check-node.mjs";

const { runSetupOrExit } = await import("./setup/run-setup.mjs");
const { runInForeground } = await import("./setup/run-in-foreground.mjs");
const { createContext } = await import("./setup/context.mjs");

const { root } = createContext();
const [first, ...rest] = process.argv.slice(2);
const isLong = first === "--long";
const isGpu = first === "--gpu";
const selection = isLong || isGpu ? rest : process.argv.slice(2);
// on Linux the GPU needs another libmlx than the one that set-up takes unasked
if (isGpu && process.platform === "linux") process.env.ABSTRACTLLM_MLX ??= "cuda13";

await runSetupOrExit();
// imported late: the checks need packages that set-up installs
const { runChecks } = await import("./checks/run-checks.mjs");
// someone who asks for some tests wants their result now
const failed = isLong || isGpu || selection.length > 0 ? [] : runChecks(root);
const config = isLong ? "vitest.long.config.ts" : isGpu ? "vitest.gpu.config.ts" : "vitest.config.ts";
const code = await runInForeground(process.execPath, [
  ...[`${root}/node_modules/vitest/vitest.mjs`, "run", "--root", root, "--config", `${root}/${config}`],
  ...selection,
]);
// someone who asks for some tests wants those
if (isLong && rest.length === 0) {
  const { runOracle } = await import("./oracle/run-oracle.mjs");
  failed.push(...(await runOracle()));
}
if (failed.length > 0) {
  console.error(`Failed beside the tests: ${failed.join(", ")} (see above).`);
  process.exitCode = code === 0 ? 1 : code;
}
