import type { SharedV3ProviderMetadata, SharedV3ProviderOptions } from "@ai-sdk/provider";
import type { AssistantMessage } from "abstractllm";
import { ownMetadata } from "./provider-options.ts";

type KeptData = NonNullable<AssistantMessage["providerData"]>;

/** Metadata of a part of reasoning, with what the model needs to see again: the AI SDK sends it back with the part. */
export function keepData(providerData: KeptData): SharedV3ProviderMetadata {
  return ownMetadata({ providerData });
}

/** What was kept with a part of reasoning. */
export function keptData(options: SharedV3ProviderOptions | undefined): KeptData | undefined {
  const data = options?.abstractllm?.providerData;
  return typeof data === "object" && data !== null && !Array.isArray(data) ? data : undefined;
}
