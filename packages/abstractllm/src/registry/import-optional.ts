import { UnsupportedFeatureError } from "../errors/index.ts";

/**
 * Imports a module whose dependencies the user may not have installed.
 *
 * @param feature - what needs it, such as a provider's name
 * @throws {UnsupportedFeatureError} with the install command when a package is missing
 */
export async function importOptional<T>(feature: string, load: () => Promise<T>): Promise<T> {
  try {
    return await load();
  } catch (cause) {
    const name = missingPackage(cause);
    if (name === undefined) throw cause;
    const message = `${feature} needs the package ${name}, which is not installed. Run: npm install ${name}`;
    throw new UnsupportedFeatureError(feature, message, { provider: feature, cause });
  }
}

/** The package in Node's "Cannot find package 'x' imported from …"; a missing file of one's own is no package. */
function missingPackage(error: unknown): string | undefined {
  if ((error as NodeJS.ErrnoException | undefined)?.code !== "ERR_MODULE_NOT_FOUND") return undefined;
  return /^Cannot find package '([^']+)'/.exec((error as Error).message)?.[1];
}
