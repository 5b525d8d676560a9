import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

const VERSION = "7.0.173";
const FOLDER = fileURLToPath(new URL("../../../../.setup/ai-sdk-7/", import.meta.url));

/**
 * The real AI SDK 7, installed beside the checkout when it is first needed: it asks for a newer Node than this repository
 * does, so that it is no dependency of its tests.
 */
export async function installAISDK(): Promise<typeof import("ai")> {
  if (!existsSync(`${FOLDER}node_modules/ai/package.json`)) {
    mkdirSync(FOLDER, { recursive: true });
    writeFileSync(`${FOLDER}package.json`, '{ "private": true }');
    const options = ["--ignore-scripts", "--no-audit", "--no-fund", "--save-exact", "--engine-strict=false"];
    execFileSync("npm", ["install", ...options, `ai@${VERSION}`], { cwd: FOLDER });
  }
  return import(`${FOLDER}node_modules/ai/dist/index.js`);
}
