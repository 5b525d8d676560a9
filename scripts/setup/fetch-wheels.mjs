import { mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";
import { findPython, pipEnvironment } from "./prerequisites.mjs";
import { runCommand } from "./run-command.mjs";
import { unzip } from "./unzip.mjs";

/**
 * What to fetch from the Python package index.
 *
 * @typedef {object} WheelRequest
 * @property {readonly string[]} requirements - pinned, for example `mlx-cpu==0.32.4`
 * @property {boolean} [withDependencies] - default false
 * @property {string} [platform] - a wheel platform such as `manylinux_2_35_aarch64`; default this machine's
 * @property {(name: string) => boolean} [keep] - which files of the wheels to unpack; default all
 */

/**
 * Downloads wheels with pip and unpacks them into a folder, which appears whole or not at all.
 *
 * @param {import("./context.mjs").Context} context
 * @param {string} log - path of the log file
 * @param {string} folder - replaced
 * @param {WheelRequest} request
 * @param {(line: string) => void} [show] - told what pip is doing
 * @returns {Promise<void>}
 * @throws {import("./setup-error.mjs").SetupError}
 */
export async function fetchWheels(context, log, folder, request, show) {
  mkdirSync(context.scratchDir, { recursive: true });
  mkdirSync(dirname(folder), { recursive: true });
  const downloads = mkdtempSync(join(context.scratchDir, "wheels-"));
  const unpacked = mkdtempSync(join(context.scratchDir, "unpacked-"));
  try {
    await runCommand(findPython(context.env), pipArguments(request, downloads), {
      cwd: context.root,
      env: pipEnvironment(context.env),
      log,
      explain: explainPip,
      ...(show && { onLine: show }),
    });
    for (const wheel of readdirSync(downloads).filter((name) => name.endsWith(".whl"))) {
      show?.(`unpacking ${wheel}`);
      await unzip(join(downloads, wheel), unpacked, request.keep);
    }
    rmSync(folder, { recursive: true, force: true });
    renameSync(unpacked, folder);
  } finally {
    rmSync(downloads, { recursive: true, force: true });
    rmSync(unpacked, { recursive: true, force: true });
  }
}

/** @param {WheelRequest} request @param {string} folder */
function pipArguments({ requirements, withDependencies = false, platform }, folder) {
  return [
    ...["-m", "pip", "download", "--only-binary=:all:"],
    // the wheels hold no Python code that will run, so an older Python may fetch them
    ...["--python-version", "3.12"],
    ...(withDependencies ? [] : ["--no-deps"]),
    ...(platform === undefined ? [] : ["--platform", platform]),
    ...["--dest", folder],
    ...requirements,
  ];
}

/**
 * Turns pip's output into a remedy.
 *
 * @param {string} output
 * @returns {string | undefined}
 */
export function explainPip(output) {
  const isUnreachable =
    /NewConnectionError|Temporary failure in name resolution|ConnectTimeoutError|ProxyError|Network is unreachable|Read timed out/;
  if (isUnreachable.test(output)) {
    return "pip could not reach the Python package index: check the network, or the proxy and index settings (pip config list).";
  }
  if (/CERTIFICATE_VERIFY_FAILED|SSLError/.test(output)) {
    return "pip does not trust the certificate of the Python package index: set PIP_CERT to your certificate file.";
  }
  if (/No space left on device/.test(output)) return "The disk is full.";
  const missing = /No matching distribution found for (\S+)/.exec(output)?.[1];
  if (missing !== undefined) {
    return `pip found no ${missing} for this machine: the package index is out of reach (see pip config list), or this system is older than macOS 14 or glibc 2.35.`;
  }
  return undefined;
}
