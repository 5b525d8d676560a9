/** How messages and rendered prompts hold images. */
import { InvalidArgumentError } from "../errors.ts";
import { TEXT_MARK } from "../tokenizer/index.ts";
import type { ImageProcessor, ProcessedImage, PromptPiece } from "./image-processor.ts";

/** Stands for an image in any text, whatever the model's own placeholder is: a noncharacter, which no text has. */
export const IMAGE_MARK = "\uFDD2";

type FormatContent = ImageProcessor["formatContent"];

/** Parts for templates that write the placeholders themselves. */
const listContent: FormatContent = (parts) =>
  parts.map((part) =>
    part.type === "image" ? { type: "image" } : { type: "text", text: part.text, content: part.text },
  );

/** One text with a mark for each image, for templates that know text alone. */
export const textContent =
  (afterImage: string): FormatContent =>
  (parts) =>
    parts
      .map((part) => (part.type === "image" ? IMAGE_MARK + afterImage : part.text.replaceAll(IMAGE_MARK, "")))
      .join("");

const escapeRegExp = (text: string): string => text.replace(/[\\^$.*+?()[\]{}|]/g, "\\$&");

/** The template's `token`, where no message spelled it, and our mark. */
const placeholdersOf = (token: string): RegExp =>
  new RegExp(`${IMAGE_MARK}|(?<!${TEXT_MARK})${escapeRegExp(token)}`);

/**
 * The prompt cut at its placeholders, with the images' prompts between: text, image, text, and so on.
 *
 * @throws {InvalidArgumentError} when there are more or fewer placeholders than images
 */
export function placeImages(prompt: string, token: string, images: readonly ProcessedImage[]): PromptPiece[] {
  const texts = prompt.split(placeholdersOf(token));
  if (texts.length !== images.length + 1) {
    throw new InvalidArgumentError(
      `Expected ${images.length} placeholders (${token}) in the prompt, one for each image, but found ${texts.length - 1}`,
    );
  }
  return texts.flatMap((text, i) => [...(i === 0 ? [] : [images[i - 1]?.prompt ?? ""]), text]);
}

/**
 * The images' prompts, and the text around their placeholders, for models that read images before any text. A prompt
 * may leave the placeholders out.
 *
 * @throws {InvalidArgumentError} when there are more or fewer placeholders than images
 */
export function imagesFirst(
  prompt: string,
  token: string,
  images: readonly ProcessedImage[],
): { features: readonly PromptPiece[]; text: string } {
  const hasPlaceholders = placeholdersOf(token).test(prompt);
  const pieces = hasPlaceholders ? placeImages(prompt, token, images) : [prompt];
  return {
    features: images.map((image) => image.prompt),
    text: pieces.filter((_, i) => i % 2 === 0).join(""),
  };
}

/** Texts that stand beside each other become one, since a token may span both. */
export function joinTexts(pieces: readonly PromptPiece[]): PromptPiece[] {
  const joined: PromptPiece[] = [];
  for (const piece of pieces) {
    const last = joined.at(-1);
    if (typeof piece === "string" && typeof last === "string") joined[joined.length - 1] = last + piece;
    else if (piece.length > 0) joined.push(piece);
  }
  return joined;
}

/** A processor from what is its own; the rest is as most families have it. */
export const defineProcessor = (own: {
  process: ImageProcessor["process"];
  /** What the template, or whoever writes a prompt by hand, puts for an image. */
  placeholder: string;
  featureToken?: string;
  formatContent?: FormatContent;
  expandPrompt?: ImageProcessor["expandPrompt"];
}): ImageProcessor => ({
  ...(own.featureToken === undefined ? {} : { featureToken: own.featureToken }),
  process: own.process,
  formatContent: own.formatContent ?? listContent,
  expandPrompt:
    own.expandPrompt ?? ((prompt, images) => joinTexts(placeImages(prompt, own.placeholder, images))),
});
