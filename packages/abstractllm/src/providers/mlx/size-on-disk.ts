import { readdir, stat } from "node:fs/promises";
import { join } from "node:path";

/** Bytes of a file, or of the files in a folder. @returns undefined for a path where nothing is */
export async function sizeOnDisk(path: string): Promise<number | undefined> {
  const found = await stat(path).catch(() => undefined);
  if (found === undefined || !found.isDirectory()) return found?.size;
  const sizes = (await readdir(path)).map(async (name) => {
    const file = await stat(join(path, name)).catch(() => undefined); // it may have gone in the meantime
    return file?.isFile() === true ? file.size : 0;
  });
  return (await Promise.all(sizes)).reduce((sum, size) => sum + size, 0);
}
