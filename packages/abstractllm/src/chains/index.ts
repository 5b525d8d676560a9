export { CircuitBreaker, type CircuitBreakerOptions, type CircuitState } from "./circuit-breaker.ts";
export {
  createCapabilityChain,
  createFallbackChain,
  createRoundRobinChain,
  createWeightedChain,
  type WeightedMember,
} from "./create-chain.ts";
export type { ChainMember } from "./open-members.ts";
export { type ChainOptions, ProviderChain, type ProviderChange } from "./provider-chain.ts";
export { withCircuitBreaker } from "./with-circuit-breaker.ts";
export { type RetryOptions, withRetry } from "./with-retry.ts";
