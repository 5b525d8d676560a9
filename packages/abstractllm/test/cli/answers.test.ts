import { spawn, spawnSync } from "node:child_process";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { stripVTControlCharacters } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { SETUP_MODEL } from "../setup-model.ts";
import { PROGRAM, runProgram, startProgram } from "./run-program.ts";

const QUICK = ["--model", SETUP_MODEL, "--no-chat-template", "--temperature", "0"];
const generate = (...args: string[]) => runProgram(["generate", ...QUICK, "-n", "4", ...args]);

/** BSD's `script` takes its arguments in another order; elsewhere there is none. */
const HAS_SCRIPT = process.platform === "linux" && spawnSync("script", ["--version"]).status === 0;

let folder = "";
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "abstractllm-cli-"));
});
afterAll(() => rm(folder, { recursive: true }));

describe("generate", () => {
  test("prints the answer alone into a pipe, streamed or not", async () => {
    const streamed = await generate("The capital of France is");
    expect(streamed.status).toBe(0);
    expect(streamed.stdout).toMatch(/\S.*\n$/s);
    expect(streamed.stdout + streamed.stderr).not.toContain("\u001b");
    expect((await generate("--no-stream", "The capital of France is")).stdout).toBe(streamed.stdout);
  });

  test("prints one JSON object for programs", async () => {
    const { stdout, status } = await generate("--json", "--stats", "The capital of France is");
    const response = JSON.parse(stdout);
    expect(response).toMatchObject({ provider: "mlx", finishReason: "length", usage: { outputTokens: 4 } });
    expect(response).not.toHaveProperty("raw");
    expect(status).toBe(0);
  });

  test("prints the value of a schema, and refuses what is none", async () => {
    const schema = JSON.stringify({
      type: "object",
      properties: { river: { enum: ["Rhine", "Seine"] } },
      required: ["river"],
      additionalProperties: false,
    });
    const ask = (text: string) =>
      runProgram([
        "generate",
        "--model",
        SETUP_MODEL,
        "--temperature",
        "0",
        "--schema",
        text,
        "A river of France:",
      ]);
    const { stdout, status } = await ask(schema);
    expect(JSON.parse(stdout)).toEqual({ river: expect.stringMatching(/^(Rhine|Seine)$/) });
    expect(status).toBe(0);
    const refused = await ask("{river");
    expect(refused).toMatchObject({ stdout: "", status: 2 });
    expect(refused.stderr).toContain("Expected JSON Schema or Standard Schema for --schema");
  });

  test("prints speed with --stats, on stderr", async () => {
    const { stdout, stderr } = await generate("--stats", "One, two,");
    expect(stderr).toMatch(/tokens in, 4 out · \d+\.\d tokens\/s/);
    expect(stdout).not.toContain("tokens/s");
  });

  test("need not read what an earlier run kept", async () => {
    const path = join(folder, "prompts");
    const ask = async () => {
      const { stdout } = await generate(
        "--json",
        "--prompt-cache-path",
        path,
        "One, two, three, ".repeat(20),
      );
      return JSON.parse(stdout) as {
        text: string;
        usage: { inputTokens: number; cachedInputTokens: number };
      };
    };
    const [first, second] = [await ask(), await ask()];
    expect(first.usage.cachedInputTokens).toBe(0);
    // the last tokens are always read
    expect(second.usage.cachedInputTokens).toBeGreaterThanOrEqual(first.usage.inputTokens - 16);
    expect(second.text).toBe(first.text);
  });

  test("takes the prompt from standard input, alone or where there is a dash", async () => {
    const expected = (await generate("One, two,")).stdout;
    expect((await runProgram(["generate", ...QUICK, "-n", "4"], { input: "One, two,\n" })).stdout).toBe(
      expected,
    );
    const joined = await runProgram(["generate", ...QUICK, "-n", "4", "Count:", "-"], {
      input: "One, two,\n",
    });
    expect(joined.stdout).toBe((await generate("Count:\n\nOne, two,")).stdout);
  });

  test("appends files", async () => {
    const file = join(folder, "note.txt");
    await writeFile(file, "three");
    expect((await generate("--file", file, "One, two,")).stdout).toBe(
      (await generate("One, two,\n\nFile content: three")).stdout,
    );
  });

  test("ends with 130 when it is interrupted", async () => {
    const child = startProgram(["generate", ...QUICK, "-n", "1000", "--ignore-eos", "One, two,"]);
    child.stdout?.once("data", () => child.kill("SIGINT"));
    expect(await new Promise((resolve) => child.on("close", resolve))).toBe(130);
  });

  test("ends quietly when its reader has enough", async () => {
    const child = startProgram(["generate", ...QUICK, "-n", "1000", "--ignore-eos", "One, two,"]);
    const errors = child.stderr ? text(child.stderr) : "";
    child.stdout?.once("data", () => child.stdout?.destroy());
    expect(await new Promise((resolve) => child.on("close", resolve))).toBe(0);
    expect(await errors).not.toMatch(/EPIPE|Error/);
  });
});

describe("chat", () => {
  test("answers each line of a pipe, and keeps the conversation", async () => {
    const saved = join(folder, "chat.json");
    const input = `One, two,\n/system Be brief.\nAnd then?\n/sav\n/save ${saved}\n`;
    const args = ["chat", "--model", SETUP_MODEL, "--temperature", "0", "-n", "2"];
    const { stdout, stderr, status } = await runProgram(args, { input });
    expect(status).toBe(1);
    expect(stdout.trim()).not.toBe("");
    expect(stderr).toContain("error: Unknown command /sav; did you mean /save?");
    const { messages, options } = JSON.parse(await readFile(saved, "utf8"));
    expect(options.systemPrompt).toBe("Be brief.");
    expect(messages.map(({ role }: { role: string }) => role)).toEqual([
      "user",
      "assistant",
      "user",
      "assistant",
    ]);
  });

  test.runIf(HAS_SCRIPT)(
    "on a terminal Ctrl-C stops the answer, and twice at the prompt ends it",
    async () => {
      const command = [
        process.execPath,
        PROGRAM,
        "chat",
        "--model",
        SETUP_MODEL,
        "--temperature",
        "0",
        "--ignore-eos",
        "-n",
        "1000",
      ];
      const child = spawn("script", ["-qec", command.map((word) => `'${word}'`).join(" "), "/dev/null"], {
        env: { ...process.env, XDG_STATE_HOME: folder, TERM: "xterm", NO_COLOR: "1" },
      });
      let screen = "";
      const shows = (wanted: RegExp) =>
        new Promise<void>((resolve) => {
          const look = () => {
            const match = wanted.exec(screen);
            if (match === null) return;
            screen = screen.slice(match.index + match[0].length);
            child.stdout.off("data", look);
            resolve();
          };
          child.stdout.on("data", look);
          look();
        });
      child.stdout.on("data", (data) => {
        screen += stripVTControlCharacters(String(data));
      });
      const ended = new Promise((resolve) => child.on("close", resolve));
      await shows(/> /);
      child.stdin.write("One, two, three\r");
      await shows(/three\s+…?\s+[^\s…]/);
      child.stdin.write("\u0003");
      await shows(/\(stopped\)/);
      await shows(/> /);
      // what was stopped stays in the conversation as far as it came
      const save = `/save ${join(folder, "stopped.json")}`;
      child.stdin.write(`${save}\r`);
      await shows(/Saved 2 messages/);
      await shows(/> /);
      child.stdin.write("\u0003");
      await shows(/Ctrl-C again/);
      child.stdin.write("\u0003");
      expect(await ended).toBe(130);
      expect(await readFile(join(folder, "abstractllm", "chat-history"), "utf8")).toBe(
        `One, two, three\n${save}\n`,
      );
    },
  );
});

test.runIf(HAS_SCRIPT)("on a terminal answers are followed by their speed, in colour", () => {
  const args = [process.execPath, PROGRAM, "generate", ...QUICK, "-n", "3", "One, two,"];
  const { stdout } = spawnSync("script", ["-qec", args.map((word) => `'${word}'`).join(" "), "/dev/null"], {
    encoding: "utf8",
    env: { ...process.env, TERM: "xterm", NO_COLOR: "" },
  });
  expect(stdout).toContain("tokens/s");
  expect(stdout).toContain("\u001b[2m");
});
