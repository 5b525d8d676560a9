import { type AssistantMessage, MessageRole } from "../interface/message.ts";
import type { ResolvedMessage } from "../media/resolved-message.ts";
import type { ProviderCall } from "./provider-call.ts";

/** Under which name an answer keeps what its provider needs to see again: no other model understands it. */
const keyOf = ({ provider, options }: ProviderCall): string => `${provider}/${options.model ?? ""}`;

/** What a message of an answer keeps for the model that gave it. */
export function keptData(call: ProviderCall, data: unknown): Pick<AssistantMessage, "providerData"> {
  return data === undefined ? {} : { providerData: { [keyOf(call)]: data } };
}

/** The call as its provider gets it: messages have what this model left in them, by the provider's name, and no more. */
export function withOwnData(call: ProviderCall): ProviderCall {
  const key = keyOf(call);
  const own = (message: ResolvedMessage): ResolvedMessage => {
    if (message.role !== MessageRole.ASSISTANT || message.providerData === undefined) return message;
    const { providerData, ...rest } = message;
    const data = providerData[key];
    return data === undefined ? rest : { ...rest, providerData: { [call.provider]: data } };
  };
  return { ...call, messages: call.messages.map(own) };
}
