import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

/** Path of a file that `fixtures/make.py` wrote. */
export const fixturePath = (name: string): string =>
  fileURLToPath(new URL(`./fixtures/${name}`, import.meta.url));

/** Its content, in a buffer of its own. */
export const fixture = (name: string): Uint8Array<ArrayBuffer> =>
  new Uint8Array(readFileSync(fixturePath(name)));
