import { type LanguageModelV3FilePart, UnsupportedFunctionalityError } from "@ai-sdk/provider";
import type { ContentPart, ImageDetail, MediaSource } from "abstractllm";
import { ownOptions } from "../call/provider-options.ts";
import type { NewFilePart } from "./given-message.ts";

/** A file of a prompt, as far as is known of it. */
export interface GivenFile {
  readonly data: LanguageModelV3FilePart["data"] | NewFilePart["data"];
  /** May be a wildcard such as `image/*`, or `image`. AI SDK 7 leaves it out of addresses in a tool's result. */
  readonly mediaType?: string | undefined;
  readonly filename?: string | undefined;
  readonly providerOptions?: LanguageModelV3FilePart["providerOptions"];
}

/**
 * A file as a part of a message: one with `imageDetail` is an image, whatever its type says. Text data is base64 and never
 * a path, because a prompt must not read files of this machine.
 *
 * @throws {UnsupportedFunctionalityError} for what is neither data nor an address of http, https or data
 */
export function toFilePart({ data, mediaType = "", filename, providerOptions }: GivenFile): ContentPart {
  const { imageDetail } = ownOptions(providerOptions, ["imageDetail"]);
  const source = toSource(data, mediaType, filename);
  if (imageDetail === undefined && !/^image\b/i.test(mediaType)) return { type: "file", file: source };
  const detail = imageDetail === undefined ? {} : { detail: imageDetail as ImageDetail };
  return { type: "image", image: source, ...detail };
}

function toSource(data: GivenFile["data"], mediaType: string, filename: string | undefined): MediaSource {
  if (typeof data === "string") return toFile(Buffer.from(data, "base64"), mediaType, filename);
  if (data instanceof Uint8Array) return toFile(new Uint8Array(data), mediaType, filename);
  if (data instanceof URL) return toAddress(data);
  if (data.type === "text") return toFile(Buffer.from(data.text), mediaType, filename);
  throw new UnsupportedFunctionalityError({
    functionality: "file references",
    message: "Files are not stored, so a reference names none; give the file's data or address",
  });
}

/** What the file is shows in its content first, then in this type, then in its name. */
function toFile(bytes: Uint8Array<ArrayBuffer>, mediaType: string, filename = "file"): File {
  return new File([bytes], filename, /^[^/*]+\/[^/*]+$/.test(mediaType) ? { type: mediaType } : {});
}

function toAddress(url: URL): string {
  if (["http:", "https:", "data:"].includes(url.protocol)) return url.href;
  throw new UnsupportedFunctionalityError({
    functionality: `file parts with ${url.protocol} addresses`,
    message: `Files come as data or from http, https and data addresses, not from ${url.protocol}`,
  });
}
