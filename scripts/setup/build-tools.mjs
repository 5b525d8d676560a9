import { existsSync } from "node:fs";
import { join } from "node:path";
import { fetchWheels } from "./fetch-wheels.mjs";
import { findOnPath } from "./prerequisites.mjs";
import { probe } from "./run-command.mjs";
import { isAtLeast, parseVersion } from "./version.mjs";

/**
 * A build tool: taken from PATH when new enough, else from its wheel.
 *
 * @typedef {object} Tool
 * @property {string} command
 * @property {string} oldest - version
 * @property {string} requirement - wheel to fetch otherwise
 * @property {string} inWheel - where the wheel has the program
 */

/** @type {Tool} */
export const cmake = {
  command: "cmake",
  oldest: "3.24",
  requirement: "cmake==4.4.4",
  inWheel: "cmake/data/bin/cmake",
};

/** @type {Tool} */
export const ninja = {
  command: "ninja",
  oldest: "1.10",
  requirement: "ninja==1.13.2",
  inWheel: "ninja-1.13.2.data/scripts/ninja",
};

/**
 * Finds a tool on PATH or fetches it into the project.
 *
 * @param {import("./context.mjs").Context} context
 * @param {import("./step.mjs").Task} task
 * @param {Tool} tool
 * @returns {Promise<string>} absolute path of the program
 * @throws {import("./setup-error.mjs").SetupError} when it must be fetched and cannot
 */
export async function ensureTool(context, task, tool) {
  const onPath = findOnPath(tool.command, context.env);
  if (onPath !== undefined && isNewEnough(onPath, tool, context.env)) return onPath;
  const folder = join(context.stateDir, "tools", tool.requirement.replace("==", "-"));
  const fetched = join(folder, ...tool.inWheel.split("/"));
  if (!existsSync(fetched)) {
    task.show(`fetching ${tool.requirement}`);
    const log = join(context.stateDir, "logs", `${tool.command}.log`);
    await fetchWheels(context, log, folder, { requirements: [tool.requirement] }, task.show);
  }
  return fetched;
}

/** @param {string} path @param {Tool} tool @param {NodeJS.ProcessEnv} env */
function isNewEnough(path, tool, env) {
  const version = parseVersion(probe(path, ["--version"], { env }) ?? "");
  return version !== undefined && isAtLeast(version, tool.oldest);
}
