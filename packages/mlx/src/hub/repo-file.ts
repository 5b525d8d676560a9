import { HubError } from "../errors.ts";

const MAX_SEGMENT_BYTES = 255; // the limit of ext4, APFS and NTFS
const MAX_PATH_BYTES = 1024;
const WINDOWS_DEVICE = /^(?:con|prn|aux|nul|com\d|lpt\d)(?:\.|$)/i;

/**
 * Checks a file name that came from a hub before it becomes a path in the cache (CWE-22).
 *
 * @throws {HubError} `integrity` when the name could leave the snapshot or cannot exist on every system
 */
export function checkRepoFile(name: string): string {
  const segments = name.split("/");
  const bad =
    Buffer.byteLength(name) > MAX_PATH_BYTES ||
    // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what must not get into a path
    /[\x00-\x1f\x7f<>:"|?*\\]/.test(name) ||
    segments.some(
      (segment) =>
        segment === "" ||
        /[. ]$/.test(segment) || // also "." and ".."; Windows drops trailing dots and blanks
        Buffer.byteLength(segment) > MAX_SEGMENT_BYTES ||
        WINDOWS_DEVICE.test(segment),
    );
  if (bad) {
    throw new HubError(
      "integrity",
      `The repository lists a file whose name is not safe to write: ${JSON.stringify(name.slice(0, 120))}. ` +
        "Nothing was downloaded.",
    );
  }
  return name;
}

/**
 * Checks the files of one snapshot together: no two names may be the same file on some system.
 *
 * @throws {HubError} `integrity`
 */
export function checkRepoFiles(names: readonly string[]): readonly string[] {
  const seen = new Set<string>();
  for (const name of names) {
    // macOS stores both normal forms of a name as one file
    const normal = checkRepoFile(name).normalize("NFC");
    if (seen.has(normal)) {
      throw new HubError("integrity", `The repository lists ${JSON.stringify(name)} twice.`);
    }
    seen.add(normal);
  }
  return names;
}
