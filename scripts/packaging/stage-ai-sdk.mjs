import { stageBundled } from "./stage-bundled.mjs";

/** Stages `@abstractllm/ai-sdk`. */
export const stageAISDK = stageBundled("ai-sdk", { index: "index.js" });
