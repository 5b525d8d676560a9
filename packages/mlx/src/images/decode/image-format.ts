/** The formats that are read, by how their files begin; `?` is any byte. */
const SIGNATURES = {
  png: ["\x89PNG\r\n\x1a\n"],
  jpeg: ["\xff\xd8\xff"],
  gif: ["GIF87a", "GIF89a"],
  webp: ["RIFF????WEBP"],
  tiff: ["II*\0", "MM\0*"],
  bmp: ["BM"],
  heif: ["????ftyp"],
} as const;

export type ImageFormat = keyof typeof SIGNATURES;

const beginsAs = (head: string, pattern: string): boolean =>
  head.length >= pattern.length && [...pattern].every((char, i) => char === "?" || char === head[i]);

/**
 * The format that the content shows; undefined for others. What libvips could read besides, such as SVG, is a
 * language rather than a picture and is not handed to it.
 */
export function imageFormatOf(bytes: Uint8Array): ImageFormat | undefined {
  const head = Buffer.from(bytes.subarray(0, 12)).toString("latin1");
  const found = Object.entries(SIGNATURES).find(([, patterns]) =>
    patterns.some((pattern) => beginsAs(head, pattern)),
  );
  return found?.[0] as ImageFormat | undefined;
}
