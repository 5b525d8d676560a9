/** What a file is to a model. */
export type MediaType = "image" | "text" | "tabular" | "document";

/** How finely a model looks at an image. */
export type ImageDetail = "auto" | "low" | "medium" | "high";

/** A service, or family of services, whose way of writing media is known. */
export type ProviderFormat = "openai" | "anthropic" | "ollama" | "huggingface";

/** A file or image that a prompt can hold. Made by `MediaFactory.fromSource`, or `new ImageInput(...)` and others. */
export interface MediaInput {
  readonly mediaType: MediaType;
  /** What messages call it: a file's name, an address without its query, or what kind of data it was. */
  readonly name: string;
  /** What it is by its content once that was read, before that by its declaration or name. */
  readonly mimeType: string | undefined;
  /** The content; read when it is first asked for, and kept. */
  bytes(signal?: AbortSignal): Promise<Uint8Array>;
  /** The part of a request that carries it. */
  toProviderFormat(format: ProviderFormat, signal?: AbortSignal): Promise<unknown>;
  /** Facts about it, such as the size of an image or the number of rows. */
  metadata(signal?: AbortSignal): Promise<Readonly<Record<string, unknown>>>;
}

/** The forms in which requests of Python AbstractLLM, OpenAI and Anthropic write a source. */
export type MediaReference =
  | { type?: string; url: string; detail_level?: ImageDetail }
  | { type?: string; image_url: string | { url: string; detail?: ImageDetail } }
  | {
      type?: string;
      source: { type: "url"; url: string } | { type: "base64"; media_type: string; data: string };
    };

/**
 * Where a file or image comes from: a path, an http(s) or data URL, bytes, a `Blob`, or media already made.
 *
 * A string of 100 characters or more that is the base64 of an image or PDF is taken as such.
 */
export type MediaSource = string | URL | Uint8Array | ArrayBuffer | Blob | MediaInput | MediaReference;
