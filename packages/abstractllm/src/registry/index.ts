export { createLLM } from "./create-llm.ts";
export {
  getAvailableProviders,
  type ProviderLoader,
  type ProviderModule,
  registerProvider,
} from "./provider-registry.ts";
