import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, dirname, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { addonPath } from "../../src/core/native.ts";
import { smolLM2 } from "../engine/smollm2.ts";

const start = (script: string, ...args: string[]): ChildProcess =>
  spawn(process.execPath, [fileURLToPath(new URL(`threads/${script}`, import.meta.url)), ...args], {
    stdio: ["ignore", "pipe", "pipe"],
    timeout: 100_000,
    killSignal: "SIGKILL",
  });

const finish = async (child: ChildProcess) => {
  let [output, errors] = ["", ""];
  child.stdout?.on("data", (chunk) => (output += chunk));
  child.stderr?.on("data", (chunk) => (errors += chunk));
  const [code, signal] = await once(child, "close");
  return { code, signal, errors, output };
};

const run = (script: string, ...args: string[]) => finish(start(script, ...args));

describe("threads and exits", { timeout: 120_000 }, () => {
  it("survives 50 threads terminated in the middle of an evaluation, and frees their arrays", async () => {
    const { output, ...end } = await run("terminate-workers.mjs", "50");
    expect(end).toEqual({ code: 0, signal: null, errors: "" });
    expect(JSON.parse(output)).toEqual({ leakedBytes: 0 });
  });

  it("exits with the code asked for while evaluations run", async () => {
    for (let i = 0; i < 10; i++) {
      expect(await run("exit-while-evaluating.mjs")).toEqual({
        code: 7,
        signal: null,
        errors: "",
        output: "",
      });
    }
  });

  it("computes the same on the main thread and on four others at once", async () => {
    const { output, ...end } = await run("main-and-workers.mjs");
    expect(end).toEqual({ code: 0, signal: null, errors: "" });
    const [own, ...others] = JSON.parse(output) as number[][];
    expect(others).toEqual(Array.from({ length: 4 }, () => own));
    expect(new Set(own).size).toBe(20);
  });

  it("keeps two copies of the addon in one process apart", async () => {
    const folder = mkdtempSync(join(tmpdir(), "abstractllm-addon-"));
    // the addon finds libmlx at ../../vendor from where it lies
    const built = dirname(addonPath);
    const copy = join(folder, "build", basename(built), "mlx.node");
    mkdirSync(dirname(copy), { recursive: true });
    copyFileSync(addonPath, copy);
    symlinkSync(join(built, "../../vendor"), join(folder, "vendor"));
    const { output, ...end } = await run("two-addons.mjs", copy);
    rmSync(folder, { recursive: true });
    expect(end).toEqual({ code: 0, signal: null, errors: "" });
    expect(JSON.parse(output)).toEqual({
      sums: [20, 30],
      code: "disposed",
      live: [2, 2],
      tooLarge: "out-of-memory",
    });
  });
});

const hasProc = existsSync("/proc/self/task");

/** Processes that `pid` started. */
const childrenOf = (pid: number): number[] =>
  readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").split(" ").filter(Boolean).map(Number);

const isRunning = (pid: number): boolean => {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
};

const generating = async (isolation: "worker" | "process", ending: "die" | "dispose") => {
  const child = start("generate.mjs", smolLM2, isolation, ending);
  const end = finish(child);
  await Promise.race([once(child.stdout ?? child, "data"), end]);
  return { child, end };
};

describe.each(["worker", "process"] as const)("an engine in a %s", { timeout: 120_000 }, (isolation) => {
  it.each(["SIGINT", "SIGTERM"] as const)("dies of %s while generating, not of a crash", async (signal) => {
    const { child, end } = await generating(isolation, "die");
    const hosts = hasProc && child.pid !== undefined ? childrenOf(child.pid) : [];
    if (hasProc) expect(hosts).toHaveLength(isolation === "process" ? 1 : 0);
    child.kill(signal);
    expect(await end).toMatchObject({ code: null, signal, errors: "", output: "generating\n" });
    // an engine's process notices between two steps that nobody wants its answers any more
    while (hosts.some(isRunning)) await sleep(10);
  });

  it.skipIf(!hasProc || isolation !== "process")(
    "leaves Ctrl-C to the program (where /proc tells the engine's process)",
    async () => {
      const { child, end } = await generating(isolation, "dispose");
      for (const host of childrenOf(child.pid ?? 0)) process.kill(host, "SIGINT");
      child.kill("SIGINT");
      expect(await end).toMatchObject({ code: 0, output: "generating\naborted\ndisposed\n" });
    },
  );

  it.each(["SIGINT", "SIGTERM"] as const)("can be aborted and disposed on %s", async (signal) => {
    const { child, end } = await generating(isolation, "dispose");
    child.kill(signal);
    expect(await end).toEqual({
      code: 0,
      signal: null,
      errors: "",
      output: "generating\naborted\ndisposed\n",
    });
  });
});
