import { InvalidRequestError } from "../errors/index.ts";
import type { ImageDetail, MediaSource } from "../interface/media-source.ts";
import {
  type ContentPart,
  type Message,
  MessageRole,
  type TextContent,
  type UserMessage,
} from "../interface/message.ts";
import { ImageInput } from "./image-input.ts";
import { MAX_IMAGES } from "./limits.ts";
import { looksLikeImage } from "./looks-like-image.ts";
import { MediaFactory, type MediaFactoryOptions } from "./media-factory.ts";
import type { ResolvedImage, ResolvedMessage } from "./resolved-message.ts";

/** How the media of a call are read. */
export interface MediaPolicy {
  /** Called before the first image is used. @throws {UnsupportedFeatureError} when the model takes none */
  requireVision(): void;
  /** Of images that do not say themselves how finely they are looked at. */
  readonly imageDetail: ImageDetail | undefined;
  readonly allowPrivateUrls: boolean | undefined;
  readonly signal: AbortSignal;
  readonly provider: string;
}

type ResolvedPart = TextContent | ResolvedImage;

/**
 * The conversation as providers get it: files are read and stand in the messages as text or images.
 *
 * @param files - belong to the last user message; their text follows it in the specification's form
 * @throws {FileProcessingError} when a file cannot be read
 * @throws {ImageProcessingError} when an image is broken or too large
 * @throws {UnsupportedFeatureError} `"vision"` for an image that the model does not take
 * @throws {InvalidRequestError} for files in a conversation without a user message, or too many images
 */
export async function resolveMedia(
  messages: readonly Message[],
  files: readonly MediaSource[],
  policy: MediaPolicy,
): Promise<ResolvedMessage[]> {
  const complete = files.length === 0 ? messages : withFiles(messages, files, policy.provider);
  if (complete.some(showsImage)) policy.requireVision();
  const resolved = await Promise.all(
    complete.map((message) =>
      message.role === MessageRole.USER ? resolveMessage(message, policy) : message,
    ),
  );
  const images = resolved.flatMap(({ content }) =>
    typeof content === "string" ? [] : content.filter(isImage),
  );
  if (images.length === 0) return resolved;
  policy.requireVision();
  if (images.length > MAX_IMAGES) {
    const message = `The conversation has ${images.length} images; at most ${MAX_IMAGES} are sent`;
    throw new InvalidRequestError(message, { provider: policy.provider });
  }
  return resolved;
}

function withFiles(messages: readonly Message[], files: readonly MediaSource[], provider: string): Message[] {
  const index = messages.findLastIndex(({ role }) => role === MessageRole.USER);
  const message = messages[index];
  if (message?.role !== MessageRole.USER) {
    const text = "files belong to the last user message, and the conversation has none";
    throw new InvalidRequestError(text, { provider });
  }
  const added = files.map((file) => ({ type: "file", file }) as const);
  return messages.with(index, { ...message, content: [...partsOf(message), ...added] });
}

function partsOf({ content }: UserMessage): readonly ContentPart[] {
  return typeof content === "string" ? [{ type: "text", text: content }] : content;
}

/** Whether names and types tell an image before anything is read. */
function showsImage({ role, content }: Message): boolean {
  if (role !== MessageRole.USER || typeof content === "string") return false;
  return content.some((part) => part.type === "image" || (part.type === "file" && looksLikeImage(part.file)));
}

const isImage = (part: ContentPart): part is ResolvedImage => part.type === "image";

async function resolveMessage(message: UserMessage, policy: MediaPolicy): Promise<ResolvedMessage> {
  if (typeof message.content === "string") return { ...message, content: message.content };
  const parts = await Promise.all(message.content.map((part) => resolvePart(part, policy)));
  if (parts.some(isImage)) return { ...message, content: joinTexts(parts) };
  return { ...message, content: parts.map((part) => (part.type === "text" ? part.text : "")).join("") };
}

async function resolvePart(part: ContentPart, policy: MediaPolicy): Promise<ResolvedPart> {
  if (part.type === "text") return part;
  const { allowPrivateUrls, imageDetail, signal } = policy;
  const options: MediaFactoryOptions = { allowPrivateUrls, signal };
  const input = await (part.type === "image"
    ? MediaFactory.fromSource(part.image, { ...options, mediaType: "image" })
    : MediaFactory.fromSource(part.file, options));
  if (input instanceof ImageInput) {
    const detail = part.type === "image" ? part.detail : undefined;
    return { type: "image", image: input.withDetail(detail, imageDetail) };
  }
  return { type: "text", text: `\n\nFile content: ${await input.text(signal)}` };
}

/** Neighbouring texts as one, so that a provider sees a file's text as the prompt's. */
function joinTexts(parts: readonly ResolvedPart[]): ResolvedPart[] {
  const joined: ResolvedPart[] = [];
  for (const part of parts) {
    const last = joined.at(-1);
    if (part.type === "text" && last?.type === "text") {
      joined.splice(-1, 1, { type: "text", text: last.text + part.text });
    } else {
      joined.push(part);
    }
  }
  return joined;
}
