import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import ts from "typescript";

/** Names that the guides' code takes for granted. */
const given = "docs/given.d.ts";

/**
 * A page's code as one module.
 *
 * @typedef {object} Module
 * @property {string} page - path below the root
 * @property {string} text
 * @property {readonly number[]} lines - of the page, for each line of the text
 */

/**
 * Compiles the TypeScript in the READMEs and guides, each page as one module in which later blocks see earlier ones.
 *
 * @param {string} root - of the repository, built
 * @returns {string[]} one line per problem, with its place
 */
export function guideProblems(root) {
  const guides = readdirSync(join(root, "docs")).filter((name) => name.endsWith(".md"));
  const packages = readdirSync(join(root, "packages"));
  const pages = [
    "README.md",
    ...packages.map((name) => `packages/${name}/README.md`),
    ...guides.map((name) => `docs/${name}`),
  ];
  /** @type {Map<string, Module>} by a path beside the examples, from where packages resolve */
  const modules = new Map();
  for (const page of pages) {
    const path = join(root, "examples", `${page.replace(/\W/g, "_")}.ts`);
    modules.set(path, toModule(page, readFileSync(join(root, page), "utf8")));
  }
  const program = createProgram(root, modules);
  return ts.getPreEmitDiagnostics(program).map((problem) => describe(problem, modules));
}

/** @param {string} page @param {string} markdown @returns {Module} */
function toModule(page, markdown) {
  const blocks = [...markdown.matchAll(/^```ts\n(.*?)^```/gms)].map(({ 1: code = "", index }) => ({
    code,
    line: markdown.slice(0, index).split("\n").length + 1,
  }));
  const imports = new Set();
  const body = blocks.flatMap(({ code, line }) => {
    const own = code
      .replace(/^import [^;]+;/gm, (statement) => {
        for (const single of singleImports(statement)) imports.add(single);
        return statement.replace(/[^\n]/g, "");
      })
      .replace(/^export (?!default)/gm, "");
    return [
      { text: "async () => {", line },
      ...own.split("\n").map((text, at) => ({ text, line: line + at })),
    ];
  });
  const end = { text: "}".repeat(blocks.length), line: 0 };
  const all = [{ text: [...imports, "export {};"].join(" "), line: 0 }, ...body, end];
  return { page, text: all.map(({ text }) => text).join("\n"), lines: all.map(({ line }) => line) };
}

/** One import for each name, so that blocks of a page may import the same. @param {string} statement */
function singleImports(statement) {
  const [, names = "", from = ""] = /^import (?:type )?\{([^}]*)\} (from "[^"]+";)$/.exec(statement) ?? [];
  if (from === "") return [statement];
  return names
    .split(",")
    .map((name) => name.trim())
    .filter((name) => name !== "")
    .map((name) => `import { ${name} } ${from}`);
}

/** @param {string} root @param {ReadonlyMap<string, Module>} modules */
function createProgram(root, modules) {
  const config = { extends: "./tsconfig.base.json", files: [] };
  const { options: base } = ts.parseJsonConfigFileContent(config, ts.sys, root);
  const options = {
    ...base,
    ...{ composite: false, declaration: false, declarationMap: false, noEmit: true },
    exactOptionalPropertyTypes: false, // as most users have it: it is no part of `strict`
    verbatimModuleSyntax: false, // the imports of a page become one list
  };
  const host = ts.createCompilerHost(options);
  const { fileExists, readFile, getSourceFile } = host;
  host.fileExists = (path) => modules.has(path) || fileExists(path);
  host.readFile = (path) => modules.get(path)?.text ?? readFile(path);
  host.getSourceFile = (path, version, ...rest) => {
    const text = modules.get(path)?.text;
    return text === undefined
      ? getSourceFile(path, version, ...rest)
      : ts.createSourceFile(path, text, version);
  };
  return ts.createProgram([...modules.keys(), join(root, given)], options, host);
}

/** @param {ts.Diagnostic} problem @param {ReadonlyMap<string, Module>} modules */
function describe({ file, start = 0, messageText }, modules) {
  const message = ts.flattenDiagnosticMessageText(messageText, " ");
  if (file === undefined) return message;
  const { line } = file.getLineAndCharacterOfPosition(start);
  const module_ = modules.get(file.fileName);
  const place =
    module_ === undefined ? `${file.fileName}:${line + 1}` : `${module_.page}:${module_.lines[line]}`;
  return `${place} ${message}`;
}
