// The arrows of the design: server, ai-sdk -> abstractllm -> mlx, and each package through its exports only.

/** A package by its folder, or by its name where it does not resolve. */
const package_ = {
  mlx: "^packages/mlx/|^@abstractllm/mlx",
  abstractllm: "^packages/abstractllm/|^abstractllm(/|$)",
  server: "^packages/server/|^@abstractllm/server",
  aiSdk: "^packages/ai-sdk/|^@abstractllm/ai-sdk",
};
const tests = "(\\.test\\.ts$)|(^packages/[^/]+/test/)";

/** @type {import("dependency-cruiser").IConfiguration} */
module.exports = {
  forbidden: [
    {
      name: "no-cycles",
      comment: "Modules that import each other cannot be read, tested or moved one at a time.",
      severity: "error",
      from: {},
      to: { circular: true },
    },
    {
      name: "mlx-knows-no-interface",
      comment: "The engine imports no provider and no server.",
      severity: "error",
      from: { path: "^packages/mlx/" },
      to: { path: [package_.abstractllm, package_.server, package_.aiSdk] },
    },
    {
      name: "interface-knows-nothing-over-it",
      severity: "error",
      from: { path: "^packages/abstractllm/" },
      to: { path: [package_.server, package_.aiSdk] },
    },
    {
      name: "interface-meets-engine-in-one-place",
      comment: "Only providers/mlx and the CLI may import the engine, so the interface works without it.",
      severity: "error",
      from: {
        path: "^packages/abstractllm/",
        pathNot: ["^packages/abstractllm/src/(providers/mlx|cli)/", tests],
      },
      to: { path: package_.mlx },
    },
    {
      name: "server-sees-only-the-interface",
      severity: "error",
      from: { path: "^packages/server/" },
      to: { path: [package_.mlx, package_.aiSdk] },
    },
    {
      name: "ai-sdk-sees-only-the-interface",
      severity: "error",
      from: { path: "^packages/ai-sdk/" },
      to: { path: [package_.mlx, package_.server] },
    },
    {
      name: "packages-through-their-exports",
      comment: "Another package's files are its own affair: import it by name.",
      severity: "error",
      from: { path: "^packages/([^/]+)/" },
      to: {
        path: "^packages/(?!$1/)[^/]+/(src|test|codegen|native)/",
        pathNot: "^packages/abstractllm/test/services/", // what stands for clouds in every package's tests
      },
    },
    {
      name: "source-without-tests",
      comment: "What ships never imports a test or its helpers.",
      severity: "error",
      from: { path: "^packages/[^/]+/src/", pathNot: tests },
      to: { path: tests },
    },
    {
      name: "source-without-dev-dependencies",
      comment: "What ships imports only what its package.json names for users, as a dependency or a peer.",
      severity: "error",
      from: { path: "^packages/[^/]+/src/", pathNot: tests },
      to: {
        dependencyTypes: ["npm-dev", "npm-no-pkg", "npm-unknown"],
        dependencyTypesNot: ["type-only", "npm-peer"],
      },
    },
    {
      name: "resolvable",
      comment: "A misspelt or uninstalled module.",
      severity: "error",
      from: { path: "^packages/[^/]+/(src|test|codegen)/" },
      to: { couldNotResolve: true, pathNot: ["^(@abstractllm/|abstractllm)"] },
    },
  ],
  options: {
    doNotFollow: { path: "(^|/)(node_modules|dist)/" },
    tsPreCompilationDeps: true,
    combinedDependencies: false,
    enhancedResolveOptions: {
      exportsFields: ["exports"],
      conditionNames: ["import", "types", "default"],
    },
  },
};
