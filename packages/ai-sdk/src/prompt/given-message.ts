import type { LanguageModelV3FilePart, LanguageModelV3Message } from "@ai-sdk/provider";
import type {
  LanguageModelV4CustomPart,
  LanguageModelV4ReasoningFilePart,
  SharedV4FileData,
} from "@ai-sdk/provider-4";

type ContentOf<Role extends "user" | "assistant" | "tool"> = Extract<
  LanguageModelV3Message,
  { role: Role }
>["content"][number];

/** A file in a form that version 3 of the specification has not, as AI SDK 7 hands it on. */
export type NewFilePart = Omit<LanguageModelV3FilePart, "data"> & {
  readonly data: Exclude<SharedV4FileData, { type: "data" | "url" }>;
};

export type UserPart = ContentOf<"user"> | NewFilePart;
export type AssistantPart =
  | ContentOf<"assistant">
  | LanguageModelV4CustomPart
  | LanguageModelV4ReasoningFilePart;
export type ToolPart = ContentOf<"tool">;

/** A message of AI SDK 6, or of AI SDK 7 to a model of version 3: with the parts that only version 4 has. */
export type GivenMessage =
  | Extract<LanguageModelV3Message, { role: "system" }>
  | { readonly role: "user"; readonly content: readonly UserPart[] }
  | { readonly role: "assistant"; readonly content: readonly AssistantPart[] }
  | { readonly role: "tool"; readonly content: readonly ToolPart[] };
