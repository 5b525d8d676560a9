import { isMediaInput } from "./base-media-input.ts";

const has = (value: object, name: string, type: string): boolean =>
  typeof (value as Record<string, unknown>)[name] === type;

/** Whether a value has one of the forms of `MediaSource`. Whether anything is there shows when it is read. */
export function isMediaSource(value: unknown): boolean {
  if (typeof value === "string") return value !== "";
  if (typeof value !== "object" || value === null) return false;
  if (value instanceof URL || value instanceof Uint8Array || value instanceof ArrayBuffer) return true;
  return value instanceof Blob || isMediaInput(value) || isReference(value);
}

function isReference(value: object): boolean {
  if (has(value, "url", "string") || has(value, "image_url", "string")) return true;
  const { image_url: image, source } = value as Record<string, unknown>;
  if (typeof image === "object" && image !== null) return has(image, "url", "string");
  if (typeof source !== "object" || source === null) return false;
  const { type } = source as { type?: unknown };
  return type === "url" ? has(source, "url", "string") : type === "base64" && has(source, "data", "string");
}
