/** Installs what this project is measured against, beside it. A peer that cannot be installed is reported. */
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { createContext } from "../../scripts/setup/context.mjs";
import { runCommand } from "../../scripts/setup/run-command.mjs";
import { runSetup } from "../../scripts/setup/run-setup.mjs";
import { oracleEnvironment, oraclePython } from "../../scripts/setup/steps/oracle-environment.mjs";
import type { BenchContext } from "./context.ts";

export type Peer<T> = { found: T } | { reason: string };

const NODE_LLAMA_CPP = "3.22.1";

/** Packages with llama.cpp's binaries, by platform; without them node-llama-cpp would build from source. */
const BINARIES: Record<string, string> = {
  "linux-x64": "linux-x64",
  "linux-arm64": "linux-arm64",
  "darwin-arm64": "mac-arm64-metal",
  "darwin-x64": "mac-x64",
};

const attempt = async <T>(
  context: BenchContext,
  name: string,
  install: () => Promise<T>,
): Promise<Peer<T>> => {
  const isUnwanted = context.settings.without.some((start) => name.startsWith(start));
  if (isUnwanted) return { reason: "left out on request" };
  try {
    return { found: await install() };
  } catch (error) {
    return { reason: (error instanceof Error ? error.message : String(error)).split("\n")[0] ?? "" };
  }
};

/** Runs `install` unless an earlier run finished it for the same wish. */
const once = async (folder: string, wish: string, install: () => Promise<void>): Promise<void> => {
  const stamp = join(folder, "installed");
  if (existsSync(stamp) && readFileSync(stamp, "utf8") === wish) return;
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  await install();
  writeFileSync(stamp, wish);
};

/** @returns the folder of the installed package */
export const installNodeLlamaCpp = (context: BenchContext): Promise<Peer<string>> =>
  attempt(context, "node-llama-cpp", async () => {
    const binary = BINARIES[`${process.platform}-${process.arch}`];
    if (binary === undefined) throw new Error(`no binary for ${process.platform}-${process.arch}`);
    const folder = join(context.stateDir, "node-llama-cpp");
    const manifest = JSON.stringify({
      private: true,
      dependencies: { "node-llama-cpp": NODE_LLAMA_CPP, [`@node-llama-cpp/${binary}`]: NODE_LLAMA_CPP },
    });
    await once(folder, manifest, async () => {
      context.tell(`Installing node-llama-cpp ${NODE_LLAMA_CPP} ...`);
      writeFileSync(join(folder, "package.json"), manifest);
      // without its optional packages, which are gigabytes of GPU libraries
      const args = ["install", "--ignore-scripts", "--omit=optional", "--no-audit", "--no-fund"];
      await runCommand("npm", args, {
        cwd: folder,
        env: process.env,
        log: join(context.stateDir, "npm.log"),
      });
    });
    return join(folder, "node_modules", "node-llama-cpp");
  });

/** @param name - of the peer: `mlx-lm` or `mlx-vlm` @returns the Python that has both */
export const installPython = (context: BenchContext, name: string): Promise<Peer<string>> =>
  attempt(context, name, async () => {
    await runSetup({ steps: [oracleEnvironment] });
    return oraclePython(createContext());
  });
