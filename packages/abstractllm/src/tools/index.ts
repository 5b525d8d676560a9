export { followedBy } from "./followed-by.ts";
export { runSteps } from "./run-steps.ts";
export { tool } from "./tool.ts";
export { toolSpecs } from "./tool-specs.ts";
