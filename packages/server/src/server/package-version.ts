import { createRequire } from "node:module";

/** Of this package. */
export function packageVersion(): string {
  const manifest: { version: string } = createRequire(import.meta.url)("@abstractllm/server/package.json");
  return manifest.version;
}
