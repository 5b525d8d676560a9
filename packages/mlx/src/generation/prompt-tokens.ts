import type { ChatMessage, GenerateRequest } from "../engine/types.ts";
import { InvalidArgumentError, MlxError } from "../errors.ts";
import type { ContentPart, ImageProcessor, PromptPiece } from "../images/index.ts";
import { encodeConversation, encodePieces, type Tokenizer } from "../tokenizer/index.ts";

export type PromptRequest = Pick<GenerateRequest, "prompt" | "images" | "templateVariables" | "tools">;

/** How a prompt holds its images. */
export interface ImagePlaces {
  /** The content of a message with images, for the chat template. */
  content(parts: readonly ContentPart[]): ReturnType<ImageProcessor["formatContent"]>;
  /** Puts the images into a rendered prompt. */
  place(prompt: string): readonly PromptPiece[];
}

const isTokens = (prompt: readonly unknown[]): prompt is readonly number[] =>
  prompt.every((item) => typeof item === "number");

const checkPrompt = (prompt: unknown): void => {
  if (typeof prompt === "string") return;
  const items: readonly unknown[] | undefined = Array.isArray(prompt) ? prompt : undefined;
  const isMessage = (item: unknown): boolean => typeof item === "object" && item !== null;
  if (items !== undefined && (isTokens(items) || items.every(isMessage))) return;
  const other = prompt === null ? "null" : typeof prompt;
  throw new InvalidArgumentError(
    "Expected a text, a list of messages or a list of token ids for prompt but received " +
      (items === undefined ? other : "a list of other things"),
  );
};

/** Longest text, in UTF-16 units: no model's context holds as much, and encoding takes a second for each MiB (CWE-400). */
const MAX_LENGTH = 8 * 2 ** 20;

const textLength = (content: ChatMessage["content"]): number =>
  typeof content === "string"
    ? content.length
    : content.reduce((sum, part) => sum + (part.type === "text" ? part.text.length : 0), 0);

const checkLength = (length: number): void => {
  if (length <= MAX_LENGTH) return;
  throw new MlxError(
    "context-length",
    `The prompt has ${length} characters, more than the ${MAX_LENGTH} that are read. Shorten the prompt.`,
  );
};

/** A message as the chat template reads it: what is text alone as one string. */
const templateMessage = (message: ChatMessage, images: ImagePlaces | undefined): object => {
  const { content } = message;
  if (typeof content === "string") return message;
  const hasImage = content.some(({ type }) => type === "image");
  if (images === undefined || !hasImage) {
    return { ...message, content: content.map((part) => (part.type === "text" ? part.text : "")).join("") };
  }
  const parts = content.map((part) => (part.type === "text" ? part : { type: part.type }));
  return { ...message, content: images.content(parts) };
};

/**
 * The token ids that a request's prompt becomes: a conversation through the chat template, a text as it is with
 * the tokens its tokenizer adds around texts, ids untouched.
 *
 * @param images - how images stand in it; absent where there are none
 * @throws {InvalidArgumentError} when the prompt is neither
 * @throws {MlxError} `context-length` when its text is longer than any context
 * @throws {TemplateError} when a conversation is given and the model has no chat template, or the template refuses it
 */
export const promptTokens = async (
  tokenizer: Tokenizer,
  { prompt, tools, templateVariables }: PromptRequest,
  images?: ImagePlaces,
): Promise<number[]> => {
  checkPrompt(prompt);
  if (typeof prompt === "string") {
    checkLength(prompt.length);
    return images === undefined ? tokenizer.encode(prompt) : encodePieces(tokenizer, images.place(prompt));
  }
  if (isTokens(prompt)) return [...prompt];
  checkLength(prompt.reduce((sum, { content }) => sum + textLength(content), 0));
  const { ids } = await encodeConversation(
    tokenizer,
    prompt.map((message) => templateMessage(message, images)),
    {
      ...(images === undefined ? {} : { place: (rendered) => images.place(rendered) }),
      ...(tools === undefined ? {} : { tools }),
      ...(templateVariables === undefined ? {} : { variables: templateVariables }),
    },
  );
  return ids;
};
