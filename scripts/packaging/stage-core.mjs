import { cpSync, readFileSync } from "node:fs";
import { join, relative } from "node:path";
import { bundle } from "./bundle.mjs";
import { reachableDeclarations } from "./declarations.mjs";
import { copyText, writeManifest } from "./stage.mjs";

/** Programs and worker threads are entries too; a worker lies where the chunk that starts it looks for it. */
const entries = {
  index: "index.js",
  "cli/main": "cli/main.js",
  "chunks/extract-entry": "media/documents/extract-entry.js",
};

/** Stages `abstractllm`: its code bundled, the types of its exports. @type {import("./stage.mjs").Stage} */
export async function stageCore(root, folder) {
  const source = join(root, "packages", "abstractllm");
  const dist = join(source, "dist");
  const paths = Object.entries(entries).map(([name, path]) => [name, join(dist, path)]);
  await bundle(Object.fromEntries(paths), join(folder, "dist"));
  for (const path of reachableDeclarations(join(dist, "index.d.ts"), dist)) {
    copyText(path, join(folder, "dist", relative(dist, path)));
  }
  cpSync(join(source, "README.md"), join(folder, "README.md"));
  cpSync(join(root, "LICENSE"), join(folder, "LICENSE"));
  const { private: _, ...manifest } = JSON.parse(readFileSync(join(source, "package.json"), "utf8"));
  writeManifest(folder, manifest);
}
