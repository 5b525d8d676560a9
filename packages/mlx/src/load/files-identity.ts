import { readdirSync, realpathSync, statSync } from "node:fs";
import { join } from "node:path";

/** What decides what a model computes: weights and configs. */
const DECISIVE = /\.(safetensors|json)$/;

const identityOf = (path: string): string => {
  const { size, mtimeNs, ctimeNs } = statSync(path, { bigint: true });
  return [realpathSync(path), size, mtimeNs, ctimeNs].join(" ");
};

/**
 * Tells a model's or adapter's files from all others, and from what they were before, without reading them: places, sizes
 * and times of the last change, which no tool can set.
 *
 * @param path - a folder or a `.gguf` file
 */
export const filesIdentity = (path: string): string[] =>
  statSync(path).isDirectory()
    ? readdirSync(path)
        .filter((name) => DECISIVE.test(name))
        .sort()
        .map((name) => `${name} ${identityOf(join(path, name))}`)
    : [identityOf(path)];
