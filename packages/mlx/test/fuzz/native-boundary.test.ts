import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect, it } from "vitest";

const CALLS = Number(process.env.FUZZ_RUNS ?? 100_000);
const SEED = process.env.FUZZ_SEED ?? "1";
const CHILD = fileURLToPath(new URL("native-boundary/child.ts", import.meta.url));
const HANG_MS = 300_000; // over ten times what it takes alone

interface Report {
  calls: number;
  evaluated: number;
  failedEvaluations: number;
  results: Record<string, number>;
  errors: Record<string, number>;
  leaking: string[];
}

let folder: string;
let report: Report;
let end: { code: number | null; signal: string | null; lastCall: string; errors: string };

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "abstractllm-boundary-"));
  const trace = join(folder, "trace");
  const child = spawn(process.execPath, ["--import", "tsx", CHILD, SEED, String(CALLS), trace], {
    stdio: ["ignore", "pipe", "pipe"],
    timeout: HANG_MS,
    killSignal: "SIGKILL",
  });
  let [output, errors] = ["", ""];
  child.stdout.on("data", (chunk) => (output += chunk));
  child.stderr.on("data", (chunk) => (errors += chunk));
  const [code, signal] = await once(child, "close");
  end = { code, signal, errors, lastCall: readFileSync(trace, "utf8").trim() };
  if (code === 0) report = JSON.parse(output.slice(output.lastIndexOf("\n")));
}, HANG_MS + 10_000);
afterAll(() => rmSync(folder, { recursive: true, force: true }));

it(`survives ${CALLS} calls with random arguments: an error or a result, never a signal or a hang`, () => {
  expect(end, `died in ${end.lastCall}`).toMatchObject({ code: 0, signal: null });
  expect(report.calls).toBe(CALLS);
  expect(report.evaluated).toBeGreaterThan(CALLS / 10);
});

it("reached every function behind its checks", () => {
  const never = Object.entries(report.results).filter(([, count]) => count === 0);
  // valid arguments would replace the error factory of the run itself
  expect(never.map(([name]) => name)).toEqual(["configure"]);
});

it("refused with typed errors, or with what the caller's own code threw", () => {
  const common = ["disposed", "invalid-argument", "native", "thrown by a getter"];
  const expected = [...common, "out-of-memory", "unavailable", "weights"];
  expect(Object.keys(report.errors).filter((kind) => !expected.includes(kind))).toEqual([]);
  for (const kind of common) expect(report.errors[kind], kind).toBeGreaterThan(CALLS / 2000);
});

it("kept no array of a failed call", () => {
  // the arrays of a trace belong to the traced function
  expect(report.leaking.filter((name) => name !== "callCompiled")).toEqual([]);
});
