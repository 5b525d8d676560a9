export { createLLM } from "./create-llm.ts";
export {
  getAvailableProviders,
  type ProviderLoader,
  type ProviderModule,
  type ProviderName,
  registerProvider,
} from "./provider-registry.ts";
