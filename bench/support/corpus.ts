/** Real text that every checkout has: Node's own documentation in `@types/node`, and a licence. */
import { readFileSync } from "node:fs";
import { join } from "node:path";

const DOCUMENTS = [
  "@types/node/stream.d.ts",
  "@types/node/fs.d.ts",
  "@types/node/crypto.d.ts",
  "@types/node/http.d.ts",
  "typescript/LICENSE.txt",
];

/** The text of the documentation comments in declarations: prose and examples. */
const commentsOf = (declarations: string): string =>
  [...declarations.matchAll(/^ *\* ?(.*)$/gm)].map(([, line = ""]) => line).join("\n");

/** @param root - of the repository @throws {Error} when a document is not installed */
export const readCorpus = (root: string): { name: string; text: string }[] =>
  DOCUMENTS.map((name) => {
    const text = readFileSync(join(root, "node_modules", name), "utf8");
    return { name, text: name.endsWith(".d.ts") ? commentsOf(text) : text };
  });
