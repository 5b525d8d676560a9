export { type Attempt, DelegatingLLM, type Work } from "./delegating-llm.ts";
export { forwardParts } from "./forward-parts.ts";
