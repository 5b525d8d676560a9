import { stageBundled } from "./stage-bundled.mjs";

/** Stages `abstractllm`. Programs and worker threads are entries too; a worker lies where the chunk that starts it looks for it. */
export const stageCore = stageBundled("abstractllm", {
  index: "index.js",
  "testing/index": "testing/index.js",
  "cli/main": "cli/main.js",
  "chunks/extract-entry": "media/documents/extract-entry.js",
});
