/**
 * Finds the first dotted version number in a program's `--version` output.
 *
 * @param {string} text
 * @returns {string | undefined} for example `"3.25.1"`
 */
export function parseVersion(text) {
  return /\d+(?:\.\d+)+/.exec(text)?.[0];
}

/**
 * Whether a dotted version is at least another; missing parts count as 0.
 *
 * @param {string} version
 * @param {string} minimum
 */
export function isAtLeast(version, minimum) {
  const have = version.split(".").map(Number);
  const want = minimum.split(".").map(Number);
  for (let i = 0; i < Math.max(have.length, want.length); i++) {
    const difference = (have[i] ?? 0) - (want[i] ?? 0);
    if (difference !== 0) return difference > 0;
  }
  return true;
}
