export { findModelCapabilities, registerModelCapabilities } from "./find-capabilities.ts";
