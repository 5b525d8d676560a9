/** Bytes as characters of the same numbers; `TextDecoder("latin1")` is windows-1252 and changes some. */
export function latin1({ buffer, byteOffset, length }: Uint8Array): string {
  return Buffer.from(buffer, byteOffset, length).toString("latin1");
}
