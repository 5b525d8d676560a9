import { writeSync } from "node:fs";
import type { StoredDtype } from "./stored-dtype.ts";

/** A tensor to be written. */
export interface WrittenTensor {
  readonly name: string;
  readonly dtype: StoredDtype;
  readonly shape: readonly number[];
  readonly byteLength: number;
  /** Its elements, row-major and little-endian. Asked for once, when those of the tensors before are written. */
  bytes(): Uint8Array;
}

/** Where data begins: the format asks for nothing, readers that map files for whole elements. */
const ALIGNMENT = 8;

/** Writes a safetensors file: tensors in their order, one in memory at a time. @param file - empty, open for writing */
export function writeSafetensors(
  file: number,
  tensors: readonly WrittenTensor[],
  metadata: Readonly<Record<string, string>> = {},
): void {
  let end = 0;
  const declared = tensors.map(({ name, dtype, shape, byteLength }) => {
    const begin = end;
    end += byteLength;
    return [name, { dtype, shape, data_offsets: [begin, end] }];
  });
  const json = Buffer.from(JSON.stringify({ __metadata__: metadata, ...Object.fromEntries(declared) }));
  const header = Buffer.alloc(8 + Math.ceil(json.length / ALIGNMENT) * ALIGNMENT, " ");
  header.writeBigUInt64LE(BigInt(header.length - 8));
  json.copy(header, 8);
  writeAll(file, header);
  for (const tensor of tensors) writeAll(file, tensor.bytes());
}

function writeAll(file: number, bytes: Uint8Array): void {
  let done = 0;
  while (done < bytes.byteLength) done += writeSync(file, bytes, done);
}
