import { ImageError, MlxError } from "../../errors.ts";
import type { RgbImage } from "../rgb-image.ts";
import { checkSize, DEFAULT_DECODE_LIMITS, type DecodeLimits } from "./decode-limits.ts";
import { firstGifFrame, surroundGifFrame } from "./gif-frame.ts";
import { imageFormatOf } from "./image-format.ts";
import { loadSharp } from "./load-sharp.ts";
import { cmyk, greyOrRgb } from "./samples-to-rgb.ts";

/** Decodes what libvips knows, turned upright. */
async function decodeWithSharp(bytes: Uint8Array, limits: DecodeLimits): Promise<RgbImage> {
  const sharp = await loadSharp();
  const header = await sharp(bytes, { limitInputPixels: false }).metadata(); // decodes nothing
  checkSize(header.width, header.height, limits);
  // libvips' ways to RGB from these are others than Pillow's
  const space =
    header.space === "cmyk" || (header.space === "grey16" && !header.hasAlpha) ? header.space : "srgb";
  const deep = space === "grey16";
  const { data, info } = await sharp(bytes, {
    ignoreIcc: true,
    failOn: "error",
    limitInputPixels: limits.maxPixels,
  })
    .autoOrient()
    .pipelineColourspace(space)
    .toColourspace(space)
    .raw({ depth: deep ? "ushort" : "uchar" })
    .toBuffer({ resolveWithObject: true });
  const samples = deep ? new Uint16Array(Uint8Array.from(data).buffer) : data;
  return (space === "cmyk" ? cmyk : greyOrRgb)({ ...info, data: samples });
}

async function decodeGif(bytes: Uint8Array, limits: DecodeLimits): Promise<RgbImage> {
  const frame = firstGifFrame(bytes);
  if (frame === undefined) throw new ImageError("The image is a GIF without a picture");
  return surroundGifFrame(await decodeWithSharp(frame.bytes, limits), frame);
}

/**
 * The pixels of a PNG, JPEG, GIF, WebP, AVIF or TIFF file, as Pillow's `exif_transpose(image).convert("RGB")` gives
 * them: turned as EXIF says, without alpha, the first of several frames. Color profiles are not applied.
 *
 * @param limits - checked against the header, before anything is decoded
 * @throws {ImageError} for an image that is broken, truncated, empty, over the limits or of another format
 * @throws {MlxError} `unsupported-feature` with the install command when the package sharp is not there
 * @example const image = await decodeImage(await readFile("photo.jpg"));
 */
export async function decodeImage(bytes: Uint8Array, limits: Partial<DecodeLimits> = {}): Promise<RgbImage> {
  const allowed = { ...DEFAULT_DECODE_LIMITS, ...limits };
  if (bytes.length > allowed.maxBytes) {
    throw new ImageError(`The image has ${bytes.length} bytes, over the limit of ${allowed.maxBytes}`);
  }
  const format = imageFormatOf(bytes);
  if (format === undefined || format === "bmp") {
    throw new ImageError("The image is no PNG, JPEG, GIF, WebP, AVIF or TIFF file; convert it to one");
  }
  try {
    return await (format === "gif" ? decodeGif : decodeWithSharp)(bytes, allowed);
  } catch (cause) {
    if (MlxError.isInstance(cause)) throw cause;
    throw new ImageError(`The image cannot be decoded: ${reasonOf(cause)}`, { cause });
  }
}

/** What libvips says, in one line. */
const reasonOf = (error: unknown): string =>
  (error instanceof Error ? error.message : String(error)).split("\n")[0] ?? "";
