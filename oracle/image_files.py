"""Small image files of every kind, and the pixels that Pillow reads from them."""

import io
import struct
import zlib
from collections.abc import Callable

import numpy as np
from PIL import Image, ImageOps

from pictures import picture
from random_weights import hash_name, random_bits

WIDTH, HEIGHT = 24, 16


def noise(name: str, *shape: int) -> np.ndarray:
    return random_bits(hash_name(0, name), int(np.prod(shape))).reshape(shape)


def samples(name: str, channels: int) -> np.ndarray:
    return (noise(name, HEIGHT, WIDTH, channels) & 255).astype(np.uint8)


def encoded(image: Image.Image, kind: str, **options: object) -> bytes:
    out = io.BytesIO()
    image.save(out, kind, **options)
    return out.getvalue()


def smooth() -> Image.Image:
    """Colors that change slowly, which lossy formats keep."""
    y, x = np.mgrid[0:HEIGHT, 0:WIDTH]
    channels = [10 * x, 15 * y, 255 - 5 * (x + y)]
    return Image.fromarray(np.stack(channels, axis=-1).astype(np.uint8))


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png(depth: int, color: int, rows: np.ndarray, *chunks: bytes) -> bytes:
    """A PNG of a depth that Pillow does not write; `rows` are bytes `[height, bytes of a row]`."""
    width = WIDTH
    header = struct.pack(">IIBBBBB", width, len(rows), depth, color, 0, 0, 0)
    body = zlib.compress(b"".join(b"\0" + row.tobytes() for row in rows))
    parts = [chunk(b"IHDR", header), *chunks, chunk(b"IDAT", body), chunk(b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


def deep(name: str, color: int, channels: int) -> bytes:
    values = (noise(name, HEIGHT, WIDTH * channels) & 0xFFFF).astype(">u2")
    return png(16, color, values.view(np.uint8))


def gif_with_frame(background: int, transparent: int | None) -> bytes:
    """A frame of 3 by 2 pixels inside a picture of 5 by 4, in four colors."""
    palette = bytes([10, 20, 30, 40, 50, 60, 70, 80, 90, 200, 100, 50])
    out = b"GIF89a" + struct.pack("<HHBBB", 5, 4, 0xF1, background, 0) + palette
    if transparent is not None:
        out += b"\x21\xf9\x04" + bytes([1, 0, 0, transparent]) + b"\0"
    codes = [4, 1, 2, 4, 3, 3, 4, 2, 0, 5]  # each pair after a code that empties the table; 5 ends
    bits = sum(code << (3 * i) for i, code in enumerate(codes))
    data = bits.to_bytes(-(-3 * len(codes) // 8), "little")
    frame = b"\x2c" + struct.pack("<HHHHB", 1, 1, 3, 2, 0)
    return out + frame + b"\x02" + bytes([len(data)]) + data + b"\0\x3b"


def oriented(orientation: int) -> Image.Exif:
    exif = Image.Exif()
    exif[0x112] = orientation
    return exif


def files() -> dict[str, bytes]:
    rgb, alpha = samples("rgb", 3), samples("alpha", 1)
    grey = rgb[..., 0]
    whole = Image.fromarray(rgb)
    blocks = Image.fromarray(picture("blocks of 0", WIDTH, HEIGHT))
    palette = whole.quantize(16)
    frames = [Image.fromarray(samples(f"frame {i}", 3)).quantize(16) for i in range(3)]
    bits = np.packbits(grey > 127, axis=1)
    found = {
        "rgb.png": encoded(whole, "PNG"),
        "grey.png": encoded(Image.fromarray(grey), "PNG"),
        "alpha.png": encoded(Image.fromarray(np.dstack([rgb, alpha])), "PNG"),
        "grey-alpha.png": encoded(Image.fromarray(np.dstack([grey, alpha]), "LA"), "PNG"),
        "palette.png": encoded(palette, "PNG"),
        "palette-transparent.png": encoded(palette, "PNG", transparency=3),
        "palette-alpha.png": encoded(palette, "PNG", transparency=bytes(range(0, 160, 10))),
        "1-bit.png": png(1, 0, bits),
        "2-bits.png": png(2, 0, (noise("2 bits", HEIGHT, WIDTH // 4) & 255).astype(np.uint8)),
        "4-bits.png": png(4, 0, (noise("4 bits", HEIGHT, WIDTH // 2) & 255).astype(np.uint8)),
        "grey-16.png": deep("grey 16", 0, 1),
        "grey-alpha-16.png": deep("grey alpha 16", 4, 2),
        "rgb-16.png": deep("rgb 16", 2, 3),
        "alpha-16.png": deep("alpha 16", 6, 4),
        "gamma.png": png(8, 2, rgb.reshape(HEIGHT, -1), chunk(b"gAMA", struct.pack(">I", 100000))),
        "color-key.png": png(8, 2, rgb.reshape(HEIGHT, -1), chunk(b"tRNS", struct.pack(">HHH", *rgb[0, 0]))),
        "lossless.webp": encoded(whole, "WEBP", lossless=True),
        "alpha.webp": encoded(Image.fromarray(np.dstack([rgb, alpha])), "WEBP", lossless=True, exact=True),
        "animated.webp": encoded(
            frames[0].convert("RGB"), "WEBP", lossless=True, save_all=True,
            append_images=[frame.convert("RGB") for frame in frames[1:]],
        ),
        "lossy.webp": encoded(smooth(), "WEBP", quality=80),
        "palette.gif": encoded(palette, "GIF"),
        "transparent.gif": encoded(palette, "GIF", transparency=3),
        "animated.gif": encoded(frames[0], "GIF", save_all=True, append_images=frames[1:]),
        "frame-0.gif": gif_with_frame(0, None),
        "frame-1.gif": gif_with_frame(2, None),
        "frame-2.gif": gif_with_frame(2, 1),
        "frame-3.gif": gif_with_frame(0, 2),
        "rgb.tiff": encoded(whole, "TIFF"),
        "compressed.tiff": encoded(whole, "TIFF", compression="tiff_lzw"),
        "grey-16.tiff": encoded(Image.fromarray(grey.astype(np.uint16) * 200), "TIFF"),
        "float.tiff": encoded(Image.fromarray(grey.astype(np.float32) * 2.5 - 100), "TIFF"),
        "cmyk.tiff": encoded(Image.fromarray(np.dstack([rgb, alpha]), "CMYK"), "TIFF"),
        "rgb.jpeg": encoded(blocks, "JPEG", quality=95, subsampling=0),
        "subsampled.jpeg": encoded(smooth(), "JPEG", quality=75, subsampling=2),
        "progressive.jpeg": encoded(smooth(), "JPEG", quality=75, progressive=True),
        "grey.jpeg": encoded(smooth().convert("L"), "JPEG"),
        "cmyk.jpeg": encoded(smooth().convert("CMYK"), "JPEG", quality=95),
        "quality-90.avif": encoded(smooth(), "AVIF", quality=90, subsampling="4:4:4"),
    }  # fmt: skip
    for orientation in range(1, 9):
        exif = oriented(orientation)
        found[f"orientation-{orientation}.png"] = encoded(whole, "PNG", exif=exif)
        found[f"orientation-{orientation}.webp"] = encoded(whole, "WEBP", exif=exif, lossless=True)
        found[f"orientation-{orientation}.jpeg"] = encoded(smooth(), "JPEG", quality=95, exif=exif)
    return found


def read(content: bytes) -> np.ndarray:
    """Pixels as mlx-vlm's `load_image` gives them."""
    return np.array(ImageOps.exif_transpose(Image.open(io.BytesIO(content))).convert("RGB"))


def file_records(encode: Callable[[bytes], str]) -> list[dict]:
    records = []
    for name, content in files().items():
        pixels = read(content)
        height, width, _ = pixels.shape
        records.append(
            {
                "name": name,
                "size": [width, height],
                "file": encode(content),
                "pixels": encode(pixels.tobytes()),
            }
        )
    return records
