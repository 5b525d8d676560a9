import { stageBundled } from "./stage-bundled.mjs";

/** Stages `@abstractllm/server`. */
export const stageServer = stageBundled("server", { index: "index.js", "cli/main": "cli/main.js" });
