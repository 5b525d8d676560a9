export { type ImageHeader, readImageHeader } from "./read-image-header.ts";
