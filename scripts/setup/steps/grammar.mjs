import { cpSync, mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { findOnPath } from "../prerequisites.mjs";
import { runCommand } from "../run-command.mjs";
import { SetupError } from "../setup-error.mjs";
import { fingerprint, listFiles } from "../stamp.mjs";

const without =
  "Answers cannot be constrained without it (docs/structured-output.md); everything else works.";

/** What cargo names a library, by platform. @type {Partial<Record<NodeJS.Platform, string>>} */
const libraryNames = { darwin: "libgrammar.dylib", win32: "grammar.dll" };

/**
 * Builds the addon with the grammar engine, where there is Rust; it is not needed for anything else, so what keeps it
 * from being built is told and not an error.
 *
 * @type {import("../step.mjs").Step}
 */
export const grammar = {
  name: "grammar",
  title: () => "grammar engine",
  needs: [],
  fingerprint: ({ root, env }) =>
    fingerprint(
      root,
      listFiles(sourceFolder(root), (name) => name !== "target"),
      [process.platform, process.arch, findOnPath("cargo", env) ?? "", env.RUSTFLAGS ?? ""],
    ),
  outputs: ({ root }) => [grammarFolder(root)],
  async run(context, task) {
    const folder = grammarFolder(context.root);
    rmSync(folder, { recursive: true, force: true });
    mkdirSync(folder, { recursive: true });
    const cargo = findOnPath("cargo", context.env);
    if (cargo === undefined) {
      task.note(`The grammar engine needs Rust, which is not here (https://rustup.rs). ${without}`);
      return;
    }
    try {
      await build(cargo, context, task);
    } catch (error) {
      if (!(error instanceof SetupError)) throw error;
      task.note(`The grammar engine could not be built. ${without}\n${error.message}`);
    }
  },
};

/** @param {string} cargo @param {import("../context.mjs").Context} context @param {import("../step.mjs").Task} task */
async function build(cargo, { root, stateDir, env }, task) {
  const target = join(stateDir, "cargo", "grammar");
  await runCommand(cargo, ["build", "--release", "--locked", "--target-dir", target], {
    cwd: sourceFolder(root),
    env: { ...env, CARGO_TERM_COLOR: "never" },
    log: task.log,
    onLine: task.show,
    explain: explainCargo,
  });
  const library = join(target, "release", libraryNames[process.platform] ?? "libgrammar.so");
  cpSync(library, join(grammarFolder(root), "grammar.node"));
}

/** @param {string} output of cargo @returns {string | undefined} what to do about it */
export function explainCargo(output) {
  if (/is not supported by the following packages|requires rustc|lock file version/.test(output)) {
    return "Rust is too old: run rustup update, then remove .setup/stamps/grammar and run set-up again.";
  }
  if (
    /failed to download|Could not resolve|failed to get .* as a dependency|Could not connect/.test(output)
  ) {
    return "The crates could not be fetched: check the network or proxy, then remove .setup/stamps/grammar and run set-up again.";
  }
  return undefined;
}

/** @param {string} root @returns {string} folder of the addon's Cargo.toml */
function sourceFolder(root) {
  return join(root, "packages", "mlx", "native-grammar");
}

/** @param {string} root @returns {string} folder that has `grammar.node` where it could be built */
export function grammarFolder(root) {
  return join(root, "packages", "mlx", "build", "grammar");
}
