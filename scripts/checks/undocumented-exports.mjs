import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import ts from "typescript";

/**
 * Finds what packages export without a word about it.
 *
 * @param {string} root - of the repository
 * @returns {string[]} one line each: where it is declared, and its name
 */
export function undocumentedExports(root) {
  const entries = readdirSync(join(root, "packages")).flatMap((name) =>
    sourcesOfExports(join(root, "packages", name)),
  );
  const options = ts.parseJsonConfigFileContent(
    { extends: "./tsconfig.base.json", files: entries },
    ts.sys,
    root,
  ).options;
  const program = ts.createProgram(entries, { ...options, noEmit: true });
  const checker = program.getTypeChecker();
  const found = entries.flatMap((entry) => {
    const file = program.getSourceFile(entry);
    const module_ = file === undefined ? undefined : checker.getSymbolAtLocation(file);
    if (module_ === undefined) throw new Error(`${entry} exports nothing`);
    return checker.getExportsOfModule(module_).flatMap((exported) => {
      const symbol = exported.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(exported) : exported;
      if (symbol.flags & ts.SymbolFlags.ValueModule) return []; // a file, which says at its top what it is
      return symbol.getDocumentationComment(checker).length > 0
        ? []
        : [`${placeOf(symbol, root)} ${exported.name}`];
    });
  });
  return [...new Set(found)].sort();
}

/** @param {string} folder - of a package @returns {string[]} the source files behind its exports */
function sourcesOfExports(folder) {
  const { exports } = JSON.parse(readFileSync(join(folder, "package.json"), "utf8"));
  return Object.values(exports)
    .flatMap((target) => target.types ?? [])
    .map((/** @type {string} */ path) =>
      join(folder, path.replace("/dist/", "/src/").replace(/\.d\.ts$/, ".ts")),
    );
}

/** @param {ts.Symbol} symbol @param {string} root */
function placeOf(symbol, root) {
  const [declaration] = symbol.declarations ?? [];
  if (declaration === undefined) return "?";
  const file = declaration.getSourceFile();
  const { line } = file.getLineAndCharacterOfPosition(declaration.getStart());
  return `${file.fileName.slice(root.length + 1)}:${line + 1}`;
}
