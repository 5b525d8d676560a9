/** The part of docs/architectures.md on GGUF files, from the table and the goldens. */
import { readdirSync, readFileSync } from "node:fs";
import { gunzipSync } from "node:zlib";
import { GGUF_ARCHITECTURES } from "../src/load/gguf/gguf-architectures.ts";
import { ggufRow } from "../src/load/gguf/gguf-config.ts";
import { bytesReader, GGUF_TYPES, ggufStorage, parseGguf } from "../src/weights/index.ts";

const goldens = new URL("../test/goldens/gguf/", import.meta.url);

/** By architecture: the model types that its files become, and how many files are compared. */
const tested = (): Map<string, { types: Set<string>; files: number }> => {
  const found = new Map<string, { types: Set<string>; files: number }>();
  for (const file of readdirSync(goldens).sort()) {
    const reader = bytesReader(gunzipSync(readFileSync(new URL(file, goldens))));
    const { row, fields } = ggufRow(parseGguf(reader, file), reader);
    const entry = found.get(fields.architecture) ?? { types: new Set(), files: 0 };
    entry.types.add(row.modelType);
    entry.files += 1;
    found.set(fields.architecture, entry);
  }
  return found;
};

const typesOf = (...kinds: readonly string[]): string =>
  GGUF_TYPES.filter((type) => kinds.includes(ggufStorage(type).kind)).join(", ");

/** The section's text. */
export const ggufSection = (): string => {
  const found = tested();
  const rows = [...GGUF_ARCHITECTURES].map(([architecture, row]) => {
    const { types, files } = found.get(architecture) ?? { types: new Set<string>(), files: 0 };
    if (typeof row !== "function") types.add(row.modelType);
    const names = [...types].map((type) => `\`${type}\``).join(", ");
    return `| \`${architecture}\` | ${names} | ${files === 0 ? "" : files} |`;
  });
  return `## GGUF files

${GGUF_ARCHITECTURES.size} values of \`general.architecture\` are read as the models above. **Compared** counts tiny files that llama.cpp's
own converter made of a repository: they give the logits that Python mlx-lm has for that repository, within 2e-5.
What such files don't say is llama.cpp's: every sixth layer of Gemma 3 attends to everything, SmolLM3 turns nothing in
every fourth.

- Kept as they are, without loss: ${typesOf("affine", "grouped", "mxfp4")}.
- Packed in 8 bits while loading, a few rows at a time, or unpacked with \`quantize: false\`: ${typesOf("dequantize")}.
- Refused: ${typesOf("unsupported")}.

| \`general.architecture\` | \`model_type\` | compared |
| --- | --- | --- |
${rows.join("\n")}
`;
};
