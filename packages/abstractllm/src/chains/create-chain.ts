import { checkOwnOptions } from "../config/check-own-options.ts";
import * as check from "../config/checks.ts";
import { describeValue } from "../config/describe-value.ts";
import { InvalidParameterError, UnsupportedFeatureError } from "../errors/index.ts";
import type { AbstractLLM } from "../interface/abstract-llm.ts";
import { ModelCapability } from "../interface/model-capability.ts";
import { type ChainMember, type OpenMembers, openMembers, requireMembers } from "./open-members.ts";
import { byWeight, inOrder, type Order, roundRobin } from "./order.ts";
import { type ChainOptions, ProviderChain } from "./provider-chain.ts";

/** A member of a weighted chain. */
export interface WeightedMember {
  readonly member: ChainMember;
  /** How often it is asked, in relation to the others; above 0. */
  readonly weight: number;
}

/**
 * The first member answers; when it fails, the second one does, and so on.
 *
 * @throws {AllProvidersFailedError} when no member can be opened
 * @example
 * const llm = await createFallbackChain([["openai", { model: "gpt-4o" }], ["ollama", { model: "phi4-mini" }]]);
 */
export async function createFallbackChain(
  members: readonly ChainMember[],
  options: ChainOptions = {},
): Promise<ProviderChain> {
  return chainOf(await openMembers(members), inOrder, options);
}

/**
 * A fallback chain of those members that can do all of what is required.
 *
 * @throws {InvalidParameterError} for what is no capability
 * @throws {UnsupportedFeatureError} when none can
 * @throws {AllProvidersFailedError} when no member can be opened
 * @example const llm = await createCapabilityChain([ModelCapability.VISION], ["openai", "ollama"]);
 */
export async function createCapabilityChain(
  required: readonly ModelCapability[],
  members: readonly ChainMember[],
  options: ChainOptions = {},
): Promise<ProviderChain> {
  for (const name of required) checkCapability(name);
  const { open, unavailable } = await openMembers(members);
  const able = open.filter(({ llm }) => lacks(llm, required) === undefined);
  if (able.length > 0) return chainOf({ open: able, unavailable }, inOrder, options);
  const missing = open.map(({ llm }) => `${llm.provider} lacks ${lacks(llm, required)}`).join(", ");
  const message = `No member of the chain has all that is required: ${missing}; add one that does`;
  throw new UnsupportedFeatureError(required[0] ?? "capability", message, { provider: "chain" });
}

/**
 * Each member answers in turn; when one fails, those after it do.
 *
 * @throws {AllProvidersFailedError} when no member can be opened
 */
export async function createRoundRobinChain(
  members: readonly ChainMember[],
  options: ChainOptions = {},
): Promise<ProviderChain> {
  return chainOf(await openMembers(members), roundRobin(), options);
}

/**
 * Members answer by lot, each as often as its weight says; when one fails, the others do.
 *
 * @throws {InvalidParameterError} for a weight that is not a number above 0
 * @throws {AllProvidersFailedError} when no member can be opened
 * @example await createWeightedChain([{ member: large, weight: 1 }, { member: small, weight: 3 }]);
 */
export async function createWeightedChain(
  members: readonly WeightedMember[],
  options: ChainOptions = {},
): Promise<ProviderChain> {
  requireMembers(members);
  for (const each of members) {
    const weight = each?.weight;
    if (Number.isFinite(weight) && weight > 0) continue;
    const message = `Expected number above 0 for weight but received ${String(weight)}`;
    throw new InvalidParameterError("weight", weight, message);
  }
  const opened = await openMembers(members.map(({ member }) => member));
  const weights = opened.open.map(({ place }) => members[place]?.weight ?? 0);
  return chainOf(opened, byWeight(weights), options);
}

const OPTIONS: Readonly<Record<keyof ChainOptions, check.Check>> = { onProviderChange: check.callback };

function chainOf({ open, unavailable }: OpenMembers, order: Order, options: ChainOptions): ProviderChain {
  const own = checkOwnOptions(options, OPTIONS, "chain");
  const llms = open.map(({ llm }) => llm);
  const [first, ...others] = llms;
  if (first === undefined) throw new InvalidParameterError("members", undefined, "A chain needs a member");
  return new ProviderChain([first, ...others], order, own, unavailable);
}

const CAPABILITIES: readonly string[] = Object.values(ModelCapability);

/** @throws {InvalidParameterError} */
function checkCapability(name: string): void {
  if (CAPABILITIES.includes(name)) return;
  const message = `Expected members of ModelCapability for required but received ${describeValue(name)}`;
  throw new InvalidParameterError("required", name, message);
}

function lacks(llm: AbstractLLM, required: readonly ModelCapability[]): ModelCapability | undefined {
  const capabilities = llm.getCapabilities();
  return required.find((name) => !capabilities[name]);
}
