import { expect, it, vi } from "vitest";
import { decodeImage } from "./index.ts";

vi.mock("sharp", () => {
  throw new Error("Cannot find package 'sharp'");
});

it("says how to install the package that decodes images", async () => {
  const png = Buffer.from("\x89PNG\r\n\x1a\n", "latin1");
  await expect(decodeImage(png)).rejects.toMatchObject({
    code: "unsupported-feature",
    message: expect.stringContaining("Run: npm install sharp"),
    details: { feature: "vision" },
  });
});
