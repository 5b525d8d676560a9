import type { ChatMessage, GenerateRequest } from "../engine/types.ts";
import { InvalidArgumentError, MlxError } from "../errors.ts";
import { VisionLanguageModel } from "../vision/index.ts";
import { EncodedPrompt } from "./encoded-prompt.ts";
import type { ImageLease, ImageStore } from "./image-store.ts";
import { type Prompt, TextPrompt } from "./prompt.ts";
import { type PromptRequest, promptTokens } from "./prompt-tokens.ts";
import { SeeingPrompt } from "./seeing-prompt.ts";
import type { TextModel } from "./text-model.ts";

const isMessages = (prompt: GenerateRequest["prompt"]): prompt is readonly ChatMessage[] =>
  Array.isArray(prompt) && prompt.some((item) => typeof item === "object" && item !== null);

/** The files of a request's images, in order. @throws {InvalidArgumentError} for what is no file */
const imagesOf = ({ prompt, images = [] }: PromptRequest): Uint8Array[] => {
  const inMessages = isMessages(prompt)
    ? prompt.flatMap(({ content }) => (Array.isArray(content) ? content : []))
    : [];
  const files = inMessages.flatMap((part) => (part.type === "image" ? [part.image] : []));
  if (isMessages(prompt) && images.length > 0) {
    throw new InvalidArgumentError("Expected images in the messages that show them, not in images");
  }
  const all = [...files, ...images];
  if (all.some((file) => !(file instanceof Uint8Array))) {
    throw new InvalidArgumentError("Expected the bytes of its file (Uint8Array) for every image");
  }
  return all;
};

/** Requests' prompts, as one model reads them. */
export class PromptMaker {
  readonly #text: TextModel;
  readonly #images: ImageStore | undefined;

  /** @param images - absent for a model that sees none */
  constructor(text: TextModel, images: ImageStore | undefined) {
    this.#text = text;
    this.#images = images;
  }

  /**
   * Token ids of a prompt, images included.
   *
   * @throws {MlxError} `unsupported-feature` for images that the model cannot see
   */
  async tokens(request: PromptRequest): Promise<number[]> {
    const leases = await this.#open(request);
    try {
      return await this.#tokens(request, leases);
    } finally {
      for (const lease of leases) lease.release();
    }
  }

  /** A prompt ready to be evaluated; whoever takes it disposes it. */
  async make(request: PromptRequest, signal?: AbortSignal): Promise<Prompt> {
    const { model } = this.#text;
    const leases = await this.#open(request, signal);
    try {
      const tokens = await this.#tokens(request, leases);
      const { promptEncoder } = model;
      if (promptEncoder !== undefined) return new EncodedPrompt(model, promptEncoder, tokens, leases);
      if (leases.length === 0 || !(model instanceof VisionLanguageModel))
        return new TextPrompt(model, tokens);
      return new SeeingPrompt(model, tokens, leases);
    } catch (error) {
      for (const lease of leases) lease.release();
      throw error;
    }
  }

  async #open(request: PromptRequest, signal?: AbortSignal): Promise<ImageLease[]> {
    const files = imagesOf(request);
    if (files.length === 0) return [];
    if (this.#images === undefined) {
      throw new MlxError("unsupported-feature", "The model sees no images; leave them out or take another", {
        details: { feature: "vision" },
      });
    }
    return this.#images.open(files, signal);
  }

  #tokens(request: PromptRequest, leases: readonly ImageLease[]): Promise<number[]> {
    const processor = this.#images?.processor;
    if (processor === undefined || leases.length === 0) return promptTokens(this.#text.tokenizer, request);
    const images = leases.map(({ processed }) => processed);
    return promptTokens(this.#text.tokenizer, request, {
      content: (parts) => processor.formatContent(parts),
      place: (prompt) => processor.expandPrompt(prompt, images),
    });
  }
}
