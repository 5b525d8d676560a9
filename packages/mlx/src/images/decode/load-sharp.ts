import type Sharp from "sharp";
import { MlxError } from "../../errors.ts";

/**
 * The package that decodes images, which users of text alone need not install.
 *
 * @throws {MlxError} `unsupported-feature` with the install command where it is missing or has no binary for this
 *   platform
 */
export async function loadSharp(): Promise<typeof Sharp> {
  // bundlers take an import with a `catch` for one that may be missing
  const { default: sharp } = await import("sharp").catch((cause: unknown) => {
    throw new MlxError(
      "unsupported-feature",
      "Reading images needs the package sharp, which is not installed for this platform. Run: npm install sharp",
      { cause, details: { feature: "vision" } },
    );
  });
  return sharp;
}
