import { writeFileSync } from "node:fs";

/** Writes float32 tensors as a safetensors file. */
export const writeSafetensors = (
  path: string,
  tensors: Readonly<Record<string, { shape: number[]; data: Float32Array }>>,
): void => {
  let offset = 0;
  const header: Record<string, unknown> = {};
  for (const [name, { shape, data }] of Object.entries(tensors)) {
    header[name] = { dtype: "F32", shape, data_offsets: [offset, offset + data.byteLength] };
    offset += data.byteLength;
  }
  const json = Buffer.from(JSON.stringify(header));
  const size = Buffer.alloc(8);
  size.writeBigUInt64LE(BigInt(json.length));
  const data = Object.values(tensors).map((t) =>
    Buffer.from(t.data.buffer, t.data.byteOffset, t.data.byteLength),
  );
  writeFileSync(path, Buffer.concat([size, json, ...data]));
};
