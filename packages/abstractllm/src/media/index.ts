export type { ImageHeader } from "./image/index.ts";
export type { ImageFormats } from "./image-formats.ts";
export { ImageInput, type ImageInputOptions } from "./image-input.ts";
export { type Media, MediaFactory, type MediaFactoryOptions } from "./media-factory.ts";
export type { ResolvedImage, ResolvedMessage, ResolvedUserMessage } from "./resolved-message.ts";
export type { ReadOptions } from "./source-file.ts";
export { TextInput } from "./text-input.ts";
export type { TextFormats, TextInputOptions } from "./textual-input.ts";
