import type { ImageDetail, ProviderFormat } from "../interface/media-source.ts";
import type { ImageHeader } from "./image/index.ts";
import { MediaProblem } from "./media-problem.ts";

/** How each service writes an image. */
export interface ImageFormats {
  /** Part of a message of chat completions. */
  openai: { type: "image_url"; image_url: { url: string; detail: "auto" | "low" | "high" } };
  /** Content block of the Messages API. */
  anthropic: {
    type: "image";
    source: { type: "url"; url: string } | { type: "base64"; media_type: AnthropicImageType; data: string };
  };
  /** Base64, for a message's `images`. */
  ollama: string;
  /** Input of a pipeline. */
  huggingface:
    | { type: "image"; content: string; mime_type: string | undefined; source_type: "path" | "url" }
    | { type: "image"; content: Uint8Array; mime_type: string; source_type: "binary" };
}

type AnthropicImageType = (typeof COMMON_TYPES)[number];

/** The types of image that both OpenAI and Anthropic take. */
const COMMON_TYPES = ["image/png", "image/jpeg", "image/gif", "image/webp"] as const;

/** What a format needs of an image. */
interface ReadableImage {
  readonly url: string | undefined;
  readonly path: string | undefined;
  readonly mimeType: string | undefined;
  readonly detail: ImageDetail;
  header(signal?: AbortSignal): Promise<ImageHeader>;
  bytes(signal?: AbortSignal): Promise<Uint8Array>;
  base64(signal?: AbortSignal): Promise<string>;
  dataUrl(signal?: AbortSignal): Promise<string>;
}

type Formatter<Format extends ProviderFormat> = (
  image: ReadableImage,
  signal: AbortSignal | undefined,
) => Promise<ImageFormats[Format]>;

/** How an image becomes each of them. */
export const IMAGE_FORMATS: { readonly [Format in ProviderFormat]: Formatter<Format> } = {
  openai: async (image, signal) => {
    if (image.url === undefined) await commonType(image, signal);
    const url = image.url ?? (await image.dataUrl(signal));
    // the service knows no "medium"
    const detail = image.detail === "medium" ? "auto" : image.detail;
    return { type: "image_url", image_url: { url, detail } };
  },

  anthropic: async (image, signal) => {
    if (image.url !== undefined) return { type: "image", source: { type: "url", url: image.url } };
    const media_type = await commonType(image, signal);
    return { type: "image", source: { type: "base64", media_type, data: await image.base64(signal) } };
  },

  ollama: (image, signal) => image.base64(signal),

  huggingface: async (image, signal) => {
    const { url, path, mimeType } = image;
    if (url !== undefined) return { type: "image", content: url, mime_type: mimeType, source_type: "url" };
    const header = await image.header(signal);
    if (path !== undefined) {
      return { type: "image", content: path, mime_type: header.mimeType, source_type: "path" };
    }
    const content = await image.bytes(signal);
    return { type: "image", content, mime_type: header.mimeType, source_type: "binary" };
  },
};

async function commonType(
  image: ReadableImage,
  signal: AbortSignal | undefined,
): Promise<AnthropicImageType> {
  const { mimeType } = await image.header(signal);
  const known = COMMON_TYPES.find((type) => type === mimeType);
  if (known === undefined) {
    throw new MediaProblem(`it is ${mimeType}, and the service takes PNG, JPEG, GIF and WebP; convert it`);
  }
  return known;
}
