import { rolldown } from "rolldown";

/**
 * Bundles compiled modules into few files; what is imported when it is needed stays in files of its own. A hundred
 * small modules take Node three times as long to load.
 *
 * @param {Record<string, string>} entries - path of each entry by its name in the bundle, without extension
 * @param {string} folder - where the bundle goes; shared parts and parts loaded later go into `chunks`
 * @throws {Error} for a module that does not resolve
 */
export async function bundle(entries, folder) {
  const bundler = await rolldown({
    input: entries,
    platform: "node",
    external: [/^node:/, /^[^./]/], // packages stay imports: they are the user's to install
    onLog(_level, log) {
      throw new Error(`bundling: ${log.message}`);
    },
  });
  await bundler.write({
    dir: folder,
    format: "esm",
    chunkFileNames: "chunks/[name].js",
    comments: { annotation: true, jsdoc: false, legal: true },
  });
  await bundler.close();
}
