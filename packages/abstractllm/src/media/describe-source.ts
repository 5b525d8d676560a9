import type { MediaSource } from "../interface/media-source.ts";
import { parseSource } from "./parse-source.ts";

/** What messages call a source, also one that is refused; never its content or credentials. */
export function describeSource(source: MediaSource): string {
  try {
    return parseSource(source).name;
  } catch {
    const scheme = typeof source === "string" ? /^[a-z][a-z0-9+.-]*:/i.exec(source)?.[0] : undefined;
    return scheme === undefined ? "source" : `${scheme} address`;
  }
}
