import { cpSync, readFileSync } from "node:fs";
import { join, relative } from "node:path";
import { mlxPlatforms } from "../setup/libmlx-variant.mjs";
import { listFiles } from "../setup/stamp.mjs";
import { copyText, writeManifest } from "./stage.mjs";
import { platformPackageName } from "./stage-platform.mjs";

/**
 * Stages `@abstractllm/mlx`: the compiled TypeScript, module by module so that its workers find theirs. The addon comes
 * with the package of the platform, of which npm installs the one that fits.
 *
 * @type {import("./stage.mjs").Stage}
 */
export function stageMlx(root, folder) {
  const source = join(root, "packages", "mlx");
  for (const path of listFiles(join(source, "dist"), (name) => !/\.map$|^\.tsbuildinfo$/.test(name))) {
    copyText(path, join(folder, relative(source, path)));
  }
  cpSync(join(source, "README.md"), join(folder, "README.md"));
  cpSync(join(root, "LICENSE"), join(folder, "LICENSE"));
  const { private: _, ...manifest } = JSON.parse(readFileSync(join(source, "package.json"), "utf8"));
  const names = mlxPlatforms.map(platformPackageName);
  const optionalDependencies = Object.fromEntries(names.map((name) => [name, manifest.version]));
  writeManifest(folder, { ...manifest, optionalDependencies });
}
