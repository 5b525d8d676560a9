import { readFileSync } from "node:fs";
import { basename, join } from "node:path";
import { runCommand } from "../run-command.mjs";
import { fingerprint } from "../stamp.mjs";

/** Installs the packages of package-lock.json. @type {import("../step.mjs").Step} */
export const npmPackages = {
  name: "npm-packages",
  title: () => "npm packages",
  needs: [],
  fingerprint: ({ root }) =>
    fingerprint(root, [join(root, "package-lock.json")], [process.platform, process.arch]),
  outputs: ({ root }) => [join(root, "node_modules", ".package-lock.json")],
  async run({ root, env }, task) {
    if (hasInstalledLock(root)) return;
    const npm = npmCommand(env);
    await runCommand(npm.command, [...npm.args, ...installArguments], {
      cwd: root,
      env: npmEnvironment(env),
      log: task.log,
      onLine: task.show,
      explain: explainNpm,
    });
  },
};

/** Spelled out because a user's npmrc may say otherwise. */
const installArguments = [
  "ci",
  ...["--include=dev", "--include=optional", "--ignore-scripts", "--workspaces", "--include-workspace-root"],
  ...["--global=false", "--dry-run=false", "--package-lock=true", "--install-strategy=hoisted"],
  ...["--legacy-peer-deps=false", "--strict-peer-deps=false", "--no-audit", "--no-fund", "--loglevel=notice"],
  "--engine-strict=false", // AI SDK 7 asks for Node 22; the tests run over it on older ones too
];

/** @param {NodeJS.ProcessEnv} env */
function npmEnvironment({ NODE_ENV: _production, ...env }) {
  return { ...env, NO_COLOR: "1", npm_config_progress: "false", npm_config_update_notifier: "false" };
}

/** The npm that runs us where there is one, else the one on PATH. @param {NodeJS.ProcessEnv} env */
function npmCommand(env) {
  const path = env.npm_execpath;
  const isNpm = path !== undefined && basename(path) === "npm-cli.js";
  return isNpm ? { command: process.execPath, args: [path] } : { command: "npm", args: [] };
}

/** Whether an earlier install already brought everything, so that nothing need be removed and fetched again. @param {string} root */
function hasInstalledLock(root) {
  try {
    const wanted = JSON.parse(readFileSync(join(root, "package-lock.json"), "utf8"));
    const installed = JSON.parse(readFileSync(join(root, "node_modules", ".package-lock.json"), "utf8"));
    return isInstalled(wanted.packages, installed.packages);
  } catch {
    return false; // absent or half written
  }
}

/**
 * Compares a lockfile with what npm recorded at the end of its last install.
 *
 * @typedef {Record<string, { version?: string, integrity?: string, link?: boolean, resolved?: string, optional?: boolean }>} LockedPackages
 * @param {LockedPackages} wanted - `packages` of package-lock.json
 * @param {LockedPackages} installed - `packages` of node_modules/.package-lock.json
 * @returns {boolean} true when no package is missing, different or left over; optional ones may be missing
 */
export function isInstalled(wanted, installed) {
  const inModules = Object.entries(wanted).filter(([path]) => /(^|\/)node_modules\//.test(path));
  const isComplete = inModules.every(([path, want]) => {
    const have = installed[path];
    if (have === undefined) return want.optional === true;
    return have.version === want.version && have.integrity === want.integrity && have.link === want.link;
  });
  return isComplete && Object.keys(installed).every((path) => wanted[path] !== undefined);
}

/** @param {string} output @returns {string | undefined} */
export function explainNpm(output) {
  if (/ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ETIMEDOUT|ENETUNREACH|ECONNRESET|ERR_SOCKET_TIMEOUT/.test(output)) {
    return "npm could not reach its registry: check the network, or the proxy and registry settings (npm config list).";
  }
  if (/ENOTCACHED/.test(output))
    return "npm is set to work offline and lacks a package: npm config set offline false.";
  if (/SELF_SIGNED_CERT|UNABLE_TO_GET_ISSUER|UNABLE_TO_VERIFY/.test(output)) {
    return "npm does not trust its registry's certificate: set NODE_EXTRA_CA_CERTS to your certificate file.";
  }
  if (/Exit handler never called/.test(output)) {
    return "npm gave up without a reason, which it does when the network or a certificate fails: its own log, named below, has it.";
  }
  if (/ENOSPC/.test(output)) return "The disk is full.";
  return undefined;
}
