export type { ImageHeader } from "./image-header.ts";
export { readImageHeader } from "./read-image-header.ts";
