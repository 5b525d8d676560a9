import ts from "typescript";

/**
 * Declaration files that an entry reaches inside its own folder.
 *
 * @param {string} entry - absolute path of a `.d.ts`
 * @param {string} folder - absolute path; what lies outside belongs to other packages
 * @returns {string[]} absolute paths
 */
export function reachableDeclarations(entry, folder) {
  const options = { module: ts.ModuleKind.NodeNext, noLib: true, types: [] };
  const program = ts.createProgram([entry], options);
  return program
    .getSourceFiles()
    .map(({ fileName }) => fileName)
    .filter((path) => path.startsWith(`${folder}/`));
}
