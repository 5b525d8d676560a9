export { createProvider } from "./create-provider.ts";
