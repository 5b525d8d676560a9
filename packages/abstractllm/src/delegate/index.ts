export { forwardParts } from "./forward-parts.ts";
