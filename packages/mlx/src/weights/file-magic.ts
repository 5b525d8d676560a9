import { extname } from "node:path";
import { failWeights } from "./weights-problem.ts";

const CONVERT =
  "Loading it could run code or needs its own library; convert it to safetensors first, " +
  "for example with transformers' save_pretrained(..., safe_serialization=True).";

const FOREIGN_EXTENSIONS: Readonly<Record<string, string>> = {
  ".bin": "a PyTorch pickle",
  ".pt": "a PyTorch pickle",
  ".pth": "a PyTorch pickle",
  ".ckpt": "a checkpoint pickle",
  ".pkl": "a Python pickle",
  ".pickle": "a Python pickle",
  ".npz": "a NumPy archive",
  ".npy": "a NumPy array",
  ".h5": "an HDF5 file",
  ".msgpack": "a Flax checkpoint",
};

/** Leading bytes of what people mistake for weights, as lower-case latin-1 text. */
const FOREIGN_MAGIC: readonly { starts: readonly string[]; what: string }[] = [
  {
    starts: ["\x80\x02", "\x80\x03", "\x80\x04", "\x80\x05"],
    what: `is a Python pickle, not weights. ${CONVERT}`,
  },
  {
    starts: ["pk\x03\x04", "pk\x05\x06"],
    what: `is a zip archive (PyTorch or NumPy), not weights. ${CONVERT}`,
  },
  { starts: ["\x93numpy"], what: `is a NumPy array. ${CONVERT}` },
  { starts: ["\x89hdf"], what: `is an HDF5 file. ${CONVERT}` },
  { starts: ["\x1f\x8b"], what: "is compressed with gzip; unpack it first." },
  {
    starts: ["version https://git-lfs"],
    what: "is a Git LFS pointer, not the weights; run `git lfs pull` or download it from the hub.",
  },
  {
    starts: ["<!doctype", "<html"],
    what: "is a web page, not weights; the download went wrong. Delete it and download again.",
  },
];

/** Bytes that `describeForeignMagic` needs to see. */
export const MAGIC_BYTES = 32;

/** What a file is that starts with `head`, as the rest of a sentence, when it is a known format that is never weights. */
export function describeForeignMagic(head: Uint8Array): string | undefined {
  const text = Buffer.from(head.subarray(0, MAGIC_BYTES)).toString("latin1").toLowerCase();
  return FOREIGN_MAGIC.find(({ starts }) => starts.some((start) => text.startsWith(start)))?.what;
}

/** True for extensions of pickles, NumPy archives and other formats that are never loaded. */
export function isForeignExtension(path: string): boolean {
  return Object.hasOwn(FOREIGN_EXTENSIONS, extname(path).toLowerCase());
}

/**
 * Refuses pickles, NumPy archives and other formats by their extension.
 *
 * @throws {WeightsError} that says what the file is and how to convert it
 */
export function refuseForeignExtension(path: string): void {
  if (!isForeignExtension(path)) return;
  const what = FOREIGN_EXTENSIONS[extname(path).toLowerCase()];
  failWeights(path, "foreign-format", `is ${what}, not weights we load. ${CONVERT}`);
}
