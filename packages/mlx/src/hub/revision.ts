import { HubError } from "../errors.ts";

const MAX_REVISION_LENGTH = 200; // becomes a path under refs/, which no file system lets grow much longer

/** A full commit hash, which never changes its meaning. */
export function isCommit(revision: string): boolean {
  return /^[0-9a-f]{40}$/.test(revision);
}

/**
 * Checks a branch, tag or commit before it becomes a path under `refs/`, by git's rules for names of refs.
 *
 * @throws {HubError} `invalid-argument`
 */
export function checkRevision(revision: string): string {
  const segments = revision.split("/");
  const bad =
    revision.length > MAX_REVISION_LENGTH ||
    // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what must not get into a path
    /[\x00-\x20\x7f~^:?*[\\]|\.\.|@\{/.test(revision) ||
    segments.some((segment) => segment === "" || segment.startsWith(".") || /\.(lock)?$/.test(segment));
  if (bad) {
    throw new HubError(
      "invalid-argument",
      `Expected a branch, tag or commit as revision but received ${JSON.stringify(revision.slice(0, 120))}.`,
    );
  }
  return revision;
}
