import { accessSync, constants, existsSync, statSync } from "node:fs";
import { delimiter, isAbsolute, join } from "node:path";
import { cLibraryProblem, runningGlibcVersion } from "./libmlx-variant.mjs";
import { probe } from "./run-command.mjs";
import { SetupError } from "./setup-error.mjs";
import { isAtLeast, parseVersion } from "./version.mjs";

/** @typedef {"python" | "compiler" | "c-library"} Prerequisite */

const oldestPython = "3.9";
/** The first pip that understands the platform names of libmlx's wheels (PEP 600). */
const oldestPip = "20.3";

const cxx20Check = `#include <concepts>
#include <span>
#include <string>
#if __cplusplus < 202002L
#error "not C++20"
#endif
`;

/**
 * Checks what set-up cannot install itself, all of it before anything is downloaded.
 *
 * @param {readonly Prerequisite[]} needed
 * @param {NodeJS.ProcessEnv} env
 * @throws {SetupError} with one line for each missing one, saying what to install
 */
export function checkPrerequisites(needed, env) {
  const problems = [];
  if (needed.includes("c-library")) problems.push(cLibraryProblem(process.platform, runningGlibcVersion()));
  for (const [name, find] of /** @type {const} */ ([
    ["python", findPython],
    ["compiler", findCompiler],
  ])) {
    if (!needed.includes(name)) continue;
    try {
      find(env);
    } catch (error) {
      if (!(error instanceof SetupError)) throw error;
      problems.push(error.message);
    }
  }
  const found = problems.filter((problem) => problem !== undefined);
  if (found.length > 0) throw new SetupError(found.join("\n"));
}

/**
 * Finds a Python 3 that has pip: `PYTHON` when set, else `python3` or `python`.
 *
 * @param {NodeJS.ProcessEnv} env
 * @returns {string} command to run
 * @throws {SetupError}
 */
export function findPython(env) {
  const candidates = env.PYTHON ? [env.PYTHON] : ["python3", "python"];
  let problem = `Python ${oldestPython} or newer with pip is needed (looked for ${candidates.join(", ")}): ${howToInstall("python")}`;
  for (const command of candidates) {
    const version = parseVersion(probe(command, ["--version"], { env }) ?? "");
    if (version === undefined) continue;
    if (!isAtLeast(version, oldestPython)) {
      problem = `${command} is Python ${version}; ${oldestPython} or newer is needed: ${howToInstall("python")} Or set PYTHON to another one.`;
      continue;
    }
    const pip = parseVersion(probe(command, ["-m", "pip", "--version"], { env: pipEnvironment(env) }) ?? "");
    if (pip !== undefined && isAtLeast(pip, oldestPip)) return command;
    problem =
      pip === undefined
        ? `${command} (Python ${version}) has no pip: ${howToInstall("pip")}`
        : `${command} has pip ${pip}; ${oldestPip} or newer is needed: ${command} -m pip install --upgrade pip`;
  }
  throw new SetupError(problem);
}

/**
 * Finds a C++20 compiler: `CXX` when set, else the first of `c++`, `g++`, `clang++` that compiles C++20.
 *
 * @param {NodeJS.ProcessEnv} env
 * @returns {string} command to run
 * @throws {SetupError}
 */
export function findCompiler(env) {
  const candidates = env.CXX ? [env.CXX] : ["c++", "g++", "clang++"];
  const ask = (/** @type {string} */ compiler, /** @type {string[]} */ args, input = "") => {
    const [command = "", ...first] = existsSync(compiler) ? [compiler] : compiler.split(/\s+/); // "ccache g++"
    return probe(command, [...first, ...args], { env, input }) !== undefined;
  };
  const found = candidates.filter((compiler) => ask(compiler, ["--version"]));
  const working = found.find((compiler) =>
    ask(compiler, ["-std=c++20", "-fsyntax-only", "-x", "c++", "-"], cxx20Check),
  );
  if (working !== undefined) return working;
  const why =
    found.length === 0
      ? `A C++20 compiler is needed and none was found (looked for ${candidates.join(", ")})`
      : `A C++20 compiler is needed and ${found.join(", ")} cannot compile C++20 with its standard library`;
  throw new SetupError(`${why}: ${howToInstall("compiler")}`);
}

const installCommands = {
  python: { apt: "sudo apt install python3 python3-pip", other: "install it from https://www.python.org" },
  pip: { apt: "sudo apt install python3-pip", other: "python3 -m ensurepip --user" },
  compiler: { apt: "sudo apt install g++", other: "install GCC 12 or newer, or Clang 15 or newer" },
};

/** @param {keyof typeof installCommands} what */
function howToInstall(what) {
  if (process.platform === "darwin")
    return what === "pip" ? "python3 -m ensurepip --user" : "xcode-select --install";
  const { apt, other } = installCommands[what];
  return `${apt} (Debian, Ubuntu); elsewhere ${other}.`;
}

/**
 * Finds a program on PATH.
 *
 * @param {string} name
 * @param {NodeJS.ProcessEnv} env
 * @returns {string | undefined} absolute path
 */
export function findOnPath(name, env) {
  return (env.PATH ?? "")
    .split(delimiter)
    .filter((folder) => isAbsolute(folder))
    .map((folder) => join(folder, name))
    .find(isExecutableFile);
}

/** @param {string} path */
function isExecutableFile(path) {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch {
    return false;
  }
}

/**
 * The environment for pip, without the user settings that would send its files elsewhere or refuse them.
 * Indexes, proxies and certificates stay as the user has them.
 *
 * @param {NodeJS.ProcessEnv} env
 * @returns {NodeJS.ProcessEnv}
 */
export function pipEnvironment(env) {
  return {
    ...env,
    PIP_REQUIRE_VIRTUALENV: "0",
    PIP_REQUIRE_HASHES: "0",
    PIP_USER: "0",
    PIP_NO_INPUT: "1",
    PIP_NO_COLOR: "1",
    PIP_PROGRESS_BAR: "off",
    PIP_DISABLE_PIP_VERSION_CHECK: "1",
    PYTHONWARNINGS: "ignore",
  };
}
