import fc from "fast-check";

/** One change to a file's bytes. Positions are fractions, so that a change fits every file. */
export type Mutation =
  | { kind: "flip"; at: number; bit: number }
  | { kind: "byte"; at: number; value: number }
  | { kind: "word"; at: number; value: bigint }
  | { kind: "cut"; at: number }
  | { kind: "delete"; at: number; length: number }
  | { kind: "repeat"; at: number; length: number }
  | { kind: "insert"; at: number; bytes: Uint8Array };

/** Numbers that parsers get wrong. */
const BOUNDARIES = [
  0n,
  1n,
  7n,
  8n,
  0x7fn,
  0x80n,
  0xffn,
  0x7fffn,
  0xffffn,
  0x7fffffffn,
  0x80000000n,
  0xffffffffn,
]
  .concat([2n ** 53n - 1n, 2n ** 53n, 2n ** 63n - 1n, 2n ** 63n, 2n ** 64n - 1n, 2n ** 64n - 8n])
  .flatMap((value) => [value, BigInt.asUintN(64, value + 1n)]);

// doubles would be drawn by bit pattern and nearly always be close to 0
const at = fc.nat(0xffffff).map((value) => value / 0x1000000);

/** Changes to make, `texts` among the insertions. */
export function mutations(texts: readonly string[]): fc.Arbitrary<Mutation[]> {
  const inserted = fc.constantFrom(...texts).map((text) => Buffer.from(text));
  const mutation: fc.Arbitrary<Mutation> = fc.oneof(
    fc.record({ kind: fc.constant("flip" as const), at, bit: fc.nat(7) }),
    fc.record({ kind: fc.constant("byte" as const), at, value: fc.nat(255) }),
    fc.record({ kind: fc.constant("word" as const), at, value: fc.constantFrom(...BOUNDARIES) }),
    fc.record({ kind: fc.constant("cut" as const), at }),
    fc.record({ kind: fc.constant("delete" as const), at, length: fc.integer({ min: 1, max: 16 }) }),
    fc.record({ kind: fc.constant("repeat" as const), at, length: fc.integer({ min: 1, max: 64 }) }),
    fc.record({ kind: fc.constant("insert" as const), at, bytes: inserted }),
  );
  return fc.array(mutation, { minLength: 1, maxLength: 4 });
}

/** The bytes after `changes`, in a buffer of their own. */
export function applyMutations(original: Uint8Array, changes: readonly Mutation[]): Buffer {
  let bytes: Buffer = Buffer.from(original);
  for (const change of changes) bytes = applyMutation(bytes, change);
  return bytes;
}

function applyMutation(bytes: Buffer, change: Mutation): Buffer {
  const place = Math.floor(change.at * bytes.length);
  const [before, after] = [bytes.subarray(0, place), bytes.subarray(place)];
  switch (change.kind) {
    case "flip":
      if (place < bytes.length) bytes.writeUInt8(bytes.readUInt8(place) ^ (1 << change.bit), place);
      return bytes;
    case "byte":
      if (place < bytes.length) bytes.writeUInt8(change.value, place);
      return bytes;
    case "word":
      if (place + 8 <= bytes.length) bytes.writeBigUInt64LE(change.value, place);
      return bytes;
    case "cut":
      return Buffer.from(before);
    case "delete":
      return Buffer.concat([before, after.subarray(change.length)]);
    case "repeat":
      return Buffer.concat([before, after.subarray(0, change.length), after]);
    case "insert":
      return Buffer.concat([before, change.bytes, after]);
  }
}
