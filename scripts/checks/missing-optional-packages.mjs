/**
 * @typedef {object} LockedPackage
 * @property {string} [version]
 * @property {Record<string, string>} [optionalDependencies]
 */

/** @typedef {{ version: string, optional: true, os?: string[], cpu?: string[], libc?: string[] }} PlatformPackage */

const systems = [
  "aix",
  "android",
  "darwin",
  "freebsd",
  "linux",
  "netbsd",
  "openbsd",
  "openharmony",
  "sunos",
  "win32",
];
const processors = [
  "arm",
  "arm64",
  "ia32",
  "loong64",
  "mips64el",
  "ppc64",
  "riscv64",
  "s390x",
  "wasm32",
  "x64",
];

/**
 * Finds optional dependencies with an exact version that a lockfile names but does not lock.
 *
 * @param {Record<string, LockedPackage>} packages - `packages` of package-lock.json
 * @returns {Record<string, PlatformPackage>} lock entries to add; os, cpu and libc are read from the names, which
 *   every project that publishes binaries this way forms the same
 */
export function missingOptionalPackages(packages) {
  /** @type {Record<string, PlatformPackage>} */
  const missing = {};
  for (const { optionalDependencies = {} } of Object.values(packages)) {
    for (const [name, version] of Object.entries(optionalDependencies)) {
      const isLocked = Object.keys(packages).some((path) => path.endsWith(`node_modules/${name}`));
      if (!isLocked && /^\d/.test(version)) missing[`node_modules/${name}`] = platformPackage(name, version);
    }
  }
  return missing;
}

/** @param {string} name @param {string} version @returns {PlatformPackage} */
function platformPackage(name, version) {
  const words = name.split(/[/-]/);
  const os = words.filter((word) => systems.includes(word));
  const cpu = words.filter((word) => processors.includes(word));
  const libc = words.flatMap((word) =>
    word.startsWith("musl") ? "musl" : word.startsWith("gnu") ? "glibc" : [],
  );
  return {
    version,
    optional: true,
    ...(os.length > 0 && { os }),
    ...(cpu.length > 0 && { cpu }),
    ...(libc.length > 0 && { libc }),
  };
}
