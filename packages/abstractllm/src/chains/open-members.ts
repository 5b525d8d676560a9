import {
  AllProvidersFailedError,
  InvalidParameterError,
  type MemberFailure,
  UnsupportedProviderError,
} from "../errors/index.ts";
import type { AbstractLLM } from "../interface/abstract-llm.ts";
import { checkLLM } from "../interface/check-llm.ts";
import type { LLMConfigInput } from "../interface/llm-config.ts";
import { createLLM, type ProviderName } from "../registry/index.ts";

/** A member of a chain: an LLM, or the provider that opens one, with or without its configuration. */
export type ChainMember =
  | AbstractLLM
  | ProviderName
  | readonly [provider: ProviderName, config: LLMConfigInput];

/** A member that is there, and its place in the list that was given. */
interface OpenMember {
  readonly llm: AbstractLLM;
  readonly place: number;
}

/** Members that are there, and those that are not. */
export interface OpenMembers {
  readonly open: readonly OpenMember[];
  readonly unavailable: readonly MemberFailure[];
}

/**
 * Opens the members of a chain. One that cannot be opened, such as for want of a key, is left out.
 *
 * @throws {InvalidParameterError} for no members, what is no member, or an option with a bad value
 * @throws {UnsupportedProviderError} for a provider that nobody knows
 * @throws {AllProvidersFailedError} when none can be opened
 */
export async function openMembers(members: readonly ChainMember[]): Promise<OpenMembers> {
  requireMembers(members);
  const opened = await Promise.all(members.map(openMember));
  const open = opened.flatMap((result, place) => ("llm" in result ? [{ llm: result.llm, place }] : []));
  const unavailable = opened.flatMap((result) => ("llm" in result ? [] : [result]));
  if (open.length === 0) throw new AllProvidersFailedError(unavailable);
  return { open, unavailable };
}

/** @throws {InvalidParameterError} */
export function requireMembers(members: readonly unknown[]): void {
  if (Array.isArray(members) && members.length > 0) return;
  throw new InvalidParameterError("members", undefined, "Expected at least one member for a chain");
}

const MEMBER = "an LLM, a provider's name or [name, config] for a member of the chain";

/** Whether a member is a provider's name and its configuration. */
const isPair = (member: ChainMember): member is Exclude<ChainMember, AbstractLLM | string> =>
  Array.isArray(member);

async function openMember(member: ChainMember): Promise<{ llm: AbstractLLM } | MemberFailure> {
  if (typeof member !== "string" && !isPair(member)) return { llm: checkLLM(member, MEMBER) };
  const [provider, config = {}] = typeof member === "string" ? [member] : member;
  try {
    return { llm: await createLLM(provider, config) };
  } catch (error) {
    if (InvalidParameterError.isInstance(error) || UnsupportedProviderError.isInstance(error)) throw error;
    const { model } = config;
    return { provider, model: typeof model === "string" ? model : undefined, error };
  }
}
