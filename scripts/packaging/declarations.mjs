import ts from "typescript";

/**
 * Declaration files that entries reach inside their own folder.
 *
 * @param {readonly string[]} entries - absolute paths of `.d.ts` files
 * @param {string} folder - absolute path; what lies outside belongs to other packages
 * @returns {string[]} absolute paths
 */
export function reachableDeclarations(entries, folder) {
  const options = { module: ts.ModuleKind.NodeNext, noLib: true, types: [] };
  const program = ts.createProgram(entries, options);
  return program
    .getSourceFiles()
    .map(({ fileName }) => fileName)
    .filter((path) => path.startsWith(`${folder}/`));
}
