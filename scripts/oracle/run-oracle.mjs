import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { createContext } from "../setup/context.mjs";
import { runSetupOrExit } from "../setup/run-setup.mjs";
import { defaultModelPath } from "../setup/steps/default-model.mjs";
import { oracleEnvironment, oraclePython } from "../setup/steps/oracle-environment.mjs";

/** Tests that ask Python while they run; they skip without `ORACLE_PYTHON`. */
const pythonTests = ["packages/mlx/test/conformance/hub-python"];

/** Prints where llama.cpp's vocabularies and templates are, fetching them the first time. */
const llamaCppFiles =
  'import("./packages/mlx/test/parity/tokenizer/llama-cpp-files.ts").then((m) => console.log(m.llamaCppFiles()))';

/**
 * Compares the goldens with what Python computes today, and runs the tests that ask Python.
 *
 * @returns {Promise<string[]>} names of what failed
 */
export async function runOracle() {
  const context = createContext();
  await runSetupOrExit({ steps: [oracleEnvironment] });
  const python = oraclePython(context);
  const env = { ...context.env, ORACLE_PYTHON: python };
  const run = (
    /** @type {string} */ name,
    /** @type {string} */ command,
    /** @type {readonly string[]} */ args,
  ) => {
    console.log(`\n${name}`);
    const { status } = spawnSync(command, args, { cwd: context.root, env, stdio: "inherit" });
    console.log(`${name} ... ${status === 0 ? "ok" : "failed"}`);
    return status === 0 ? [] : [name];
  };
  const programs = oraclePrograms(context);
  const failed = programs.flatMap(([program, ...args]) =>
    run(`oracle/${program}`, python, [`oracle/${program}`, ...args, "--check"]),
  );
  const vitest = join(context.root, "node_modules", "vitest", "vitest.mjs");
  return [...failed, ...run("tests that ask Python", process.execPath, [vitest, "run", ...pythonTests])];
}

/** @param {import("../setup/context.mjs").Context} context @returns {[string, ...string[]][]} programs of oracle/ and their arguments */
function oraclePrograms(context) {
  const tsx = join(context.root, "node_modules", "tsx", "dist", "cli.mjs");
  const found = spawnSync(process.execPath, [tsx, "--eval", llamaCppFiles], {
    cwd: context.root,
    encoding: "utf8",
  });
  if (found.status !== 0) throw new Error(found.stderr);
  const folder = found.stdout.trim();
  return [
    ["write_goldens.py"],
    ["vision.py"],
    ["figures/evaluate.py"],
    ["ops.py"],
    ["indexing.py"],
    ["caches.py"],
    ["quantized_cache.py"],
    ["sampling.py"],
    ["adapters.py"],
    ["predictors.py"],
    ["images.py"],
    ["foreign_quantization.py"],
    ["published.py"],
    ["tool_calls.py"],
    ["tokenizer/tokenizers_goldens.py", "--gguf", defaultModelPath(context)],
    ["tokenizer/gguf_vocabularies.py", folder],
    ["tokenizer/templates.py", folder],
    ["tokenizer/snippets.py"],
    ["tokenizer/dialects.py", folder],
    ["tokenizer/template_calls.py", folder],
  ];
}
