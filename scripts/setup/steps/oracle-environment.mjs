import { rmSync } from "node:fs";
import { join } from "node:path";
import { explainPip } from "../fetch-wheels.mjs";
import { findPython, pipEnvironment } from "../prerequisites.mjs";
import { runCommand } from "../run-command.mjs";
import { fingerprint } from "../stamp.mjs";

/** @param {{ stateDir: string }} context @returns {string} path of the Python that has what oracle/ imports */
export function oraclePython({ stateDir }) {
  return join(stateDir, "oracle-venv", "bin", "python");
}

/** @param {{ root: string }} context @returns {string} path of the file that names the packages */
const requirements = ({ root }) => join(root, "oracle", "requirements.txt");

/** @param {{ root: string }} context @returns {string} path of the file that names packages without what they need */
const requirementsAlone = ({ root }) => join(root, "oracle", "requirements-alone.txt");

/** Makes the Python environment of oracle/, which only `npm run test:oracle` uses. @type {import("../step.mjs").Step} */
export const oracleEnvironment = {
  name: "oracle-environment",
  title: () => "Python with mlx-lm and mlx-vlm, to compare with (0.5 GB)",
  needs: ["python", "c-library"],
  fingerprint: ({ root }) =>
    fingerprint(
      root,
      [
        requirements({ root }),
        requirementsAlone({ root }),
        join(root, "oracle", "tokenizer", "requirements.txt"),
      ],
      [process.platform, process.arch, root], // a venv cannot be moved
    ),
  outputs: (context) => [oraclePython(context)],
  async run(context, task) {
    const { root, stateDir } = context;
    const folder = join(stateDir, "oracle-venv");
    rmSync(folder, { recursive: true, force: true });
    const options = { cwd: root, env: pipEnvironment(context.env), log: task.log, onLine: task.show };
    await runCommand(findPython(context.env), ["-m", "venv", folder], { ...options, explain: explainVenv });
    const install = async (/** @type {readonly string[]} */ ...args) => {
      const command = ["-m", "pip", "install", "--only-binary=:all:", ...args];
      await runCommand(oraclePython(context), command, { ...options, append: true, explain: explainInstall });
    };
    await install("-r", requirements(context));
    await install("--no-deps", "-r", requirementsAlone(context));
  },
};

/** @param {string} output @returns {string | undefined} */
function explainVenv(output) {
  if (/ensurepip is not available|No module named venv/.test(output)) {
    return "Python cannot make environments: sudo apt install python3-venv (Debian, Ubuntu).";
  }
  return undefined;
}

/** @param {string} output @returns {string | undefined} */
function explainInstall(output) {
  if (/Requires-Python|requires a different Python/i.test(output)) {
    return "mlx-lm and its companions need Python 3.11 or newer: set PYTHON to one.";
  }
  return explainPip(output);
}
