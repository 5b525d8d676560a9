/**
 * Where a file or image comes from: a path, an http(s) or data URL, bytes, or a `Blob`.
 *
 * A string that is neither URL nor an existing path may be base64 of at least 100 characters.
 */
export type MediaSource = string | URL | Uint8Array | ArrayBuffer | Blob;
