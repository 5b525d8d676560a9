import { writeFileSync } from "node:fs";

/** float32, unless another dtype is named. */
interface Tensor {
  shape: readonly number[];
  data: ArrayBufferView;
  dtype?: string;
}

/** Writes tensors as a safetensors file. */
export const writeSafetensors = (path: string, tensors: Readonly<Record<string, Tensor>>): void => {
  let offset = 0;
  const header: Record<string, unknown> = {};
  for (const [name, { shape, data, dtype = "F32" }] of Object.entries(tensors)) {
    header[name] = { dtype, shape, data_offsets: [offset, offset + data.byteLength] };
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
