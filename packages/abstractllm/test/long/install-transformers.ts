import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { fileURLToPath, pathToFileURL } from "node:url";
import type { TransformersModule } from "../../src/providers/huggingface/local/transformers-js.ts";

const VERSION = "4.3.1";
const FOLDER = fileURLToPath(new URL("../../../../.setup/transformers-js/", import.meta.url));

/**
 * The real `@huggingface/transformers`, installed beside the checkout when it is first needed: with its ONNX runtime it
 * has half a gigabyte, too much for everybody's `npm install`.
 */
export async function installTransformers(): Promise<TransformersModule> {
  const installed = `${FOLDER}node_modules/@huggingface/transformers/package.json`;
  if (!existsSync(installed)) {
    mkdirSync(FOLDER, { recursive: true });
    writeFileSync(`${FOLDER}package.json`, '{ "private": true }');
    const options = ["--ignore-scripts", "--no-audit", "--no-fund", "--save-exact"];
    execFileSync("npm", ["install", ...options, `@huggingface/transformers@${VERSION}`], { cwd: FOLDER });
  }
  const path = createRequire(`${FOLDER}package.json`).resolve("@huggingface/transformers");
  return import(pathToFileURL(path.replace(/\.cjs$/, ".mjs")).href);
}
