import type { ImageInput } from "../../media/image-input.ts";
import type { ResolvedMessage } from "../../media/resolved-message.ts";

/** The files of a conversation's images. */
export type ImageBytes = ReadonlyMap<ImageInput, Uint8Array>;

/**
 * Reads the images of a conversation, and fetches those that are elsewhere.
 *
 * @throws {ImageProcessingError} when one cannot be had, is broken or too large
 */
export async function readImages(
  messages: readonly ResolvedMessage[],
  signal: AbortSignal,
): Promise<ImageBytes> {
  const images = new Set(messages.flatMap((message) => imagesOf(message)));
  const read = async (image: ImageInput) => [image, await image.bytes(signal)] as const;
  return new Map(await Promise.all([...images].map(read)));
}

/** The images that a message shows, in order. */
export function imagesOf({ content }: ResolvedMessage): ImageInput[] {
  return typeof content === "string"
    ? []
    : content.flatMap((part) => (part.type === "image" ? [part.image] : []));
}
