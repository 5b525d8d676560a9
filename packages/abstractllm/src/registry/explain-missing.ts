import { UnsupportedFeatureError } from "../errors/index.ts";

/**
 * For the `catch` of an `import()` of what the user may not have installed. Written `import("x").catch(…)`, bundlers
 * know that `x` may be missing.
 *
 * @param feature - what needs it, such as a provider's name
 * @returns a function that throws an `UnsupportedFeatureError` with the install command when a package is missing, and
 *   any other error as it is
 */
export function explainMissing(feature: string): (cause: unknown) => never {
  return (cause) => {
    const name = missingPackage(cause);
    if (name === undefined) throw cause;
    const message = `${feature} needs the package ${name}, which is not installed. Run: npm install ${name}`;
    throw new UnsupportedFeatureError(feature, message, { provider: feature, cause });
  };
}

/** The package in Node's "Cannot find package 'x' imported from …"; a missing file of one's own is no package. */
function missingPackage(error: unknown): string | undefined {
  if ((error as NodeJS.ErrnoException | undefined)?.code !== "ERR_MODULE_NOT_FOUND") return undefined;
  return /^Cannot find package '([^']+)'/.exec((error as Error).message)?.[1];
}
