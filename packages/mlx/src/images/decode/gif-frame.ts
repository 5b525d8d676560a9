/**
 * What Pillow shows of a GIF's first frame where nothing is drawn: the transparent color of its palette, or the
 * first one; other decoders show black.
 *
 * @see https://www.w3.org/Graphics/GIF/spec-gif89a.txt
 */
import { crop, pad } from "../pixel-steps.ts";
import type { RgbImage } from "../rgb-image.ts";

const EXTENSION = 0x21;
const GRAPHIC_CONTROL = 0xf9;
const IMAGE = 0x2c;
const HEADER_BYTES = 13;

export interface GifFrame {
  /** The file, with its first frame opaque. */
  readonly bytes: Uint8Array;
  readonly left: number;
  readonly top: number;
  readonly width: number;
  readonly height: number;
  /** The color of what is not drawn. */
  readonly background: readonly number[];
}

const paletteBytes = (flags: number): number => ((flags & 0x80) === 0 ? 0 : 3 * 2 ** ((flags & 7) + 1));

/** The first frame of a GIF; undefined when there is none before the file ends. */
export function firstGifFrame(bytes: Uint8Array): GifFrame | undefined {
  const opaque = Uint8Array.from(bytes);
  const at = (offset: number): number => opaque[offset] ?? 0;
  const u16 = (offset: number): number => at(offset) + at(offset + 1) * 256;
  let offset = HEADER_BYTES + paletteBytes(at(10));
  let transparent = 0;
  while (at(offset) === EXTENSION) {
    if (at(offset + 1) === GRAPHIC_CONTROL && (at(offset + 3) & 1) === 1) {
      transparent = at(offset + 6);
      opaque[offset + 3] = at(offset + 3) & ~1;
    }
    offset += 2;
    while (at(offset) !== 0) offset += at(offset) + 1;
    offset += 1;
  }
  if (at(offset) !== IMAGE) return undefined;
  const palette = (at(offset + 9) & 0x80) === 0 ? HEADER_BYTES : offset + 10;
  const color = palette + transparent * 3;
  return {
    bytes: opaque,
    left: u16(offset + 1),
    top: u16(offset + 3),
    width: u16(offset + 5),
    height: u16(offset + 7),
    background: [at(color), at(color + 1), at(color + 2)],
  };
}

/** The decoded picture with the background around the frame. */
export function surroundGifFrame(image: RgbImage, frame: GifFrame): RgbImage {
  const { left, top, width, height, background } = frame;
  if (width >= image.width && height >= image.height) return image;
  const drawn = crop(image, left, top, width, height);
  return pad(drawn, image.width, image.height, { left, top, color: background });
}
