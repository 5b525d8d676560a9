/** Real text that every checkout has: documents of the packages in package-lock.json. */
import { readFileSync } from "node:fs";
import { join } from "node:path";

const DOCUMENTS = [
  "lru-cache/README.md",
  "semver/README.md",
  "tapable/README.md",
  "picomatch/README.md",
  "typescript/LICENSE.txt",
];

/** @param root - of the repository @throws {Error} when a document is not installed */
export const readCorpus = (root: string): { name: string; text: string }[] =>
  DOCUMENTS.map((name) => ({ name, text: readFileSync(join(root, "node_modules", name), "utf8") }));
