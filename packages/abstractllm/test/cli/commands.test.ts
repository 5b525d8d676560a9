import { mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import packageJson from "../../package.json" with { type: "json" };
import { HttpService } from "../services/http-service.ts";
import { ollamaService } from "../services/ollama-service.ts";
import { runProgram } from "./run-program.ts";

describe("the command line", () => {
  test("shows help for itself and for each command", async () => {
    const help = await runProgram(["--help"]);
    expect(help).toMatchObject({ status: 0, stderr: "" });
    for (const command of ["generate", "chat", "models", "doctor"]) {
      expect(help.stdout).toContain(command);
      const own = await runProgram([command, "--help"]);
      expect(own).toMatchObject({ status: 0, stderr: "" });
      expect(own.stdout).toContain(`abstractllm ${command}`);
      expect(own.stdout).toContain("Exit codes: 0 done, 1 error, 2 wrong command line, 130 interrupted.");
    }
  });

  test("shows its version", async () => {
    expect(await runProgram(["--version"])).toEqual({
      stdout: `${packageJson.version}\n`,
      stderr: "",
      status: 0,
    });
  });

  test.each([
    [["Why is the sky blue?"], "To ask a model: abstractllm generate PROMPT."],
    [["generat"], 'Unknown command "generat". Did you mean "generate"?'],
    [["generate", "--temprature", "1", "x"], "Unknown flag --temprature; did you mean --temperature?"],
    [
      ["generate", "--temperature", "hot", "x"],
      'Expected number between 0 and 2 for --temperature but received string "hot"',
    ],
    [["generate", "-n", "0", "x"], "Expected integer of at least 1 for --max-tokens but received number 0"],
    [["chat", "--logit-bias", '{"the":1}'], 'for --logit-bias but received key string "the"'],
    [["generate", "--provider", "mlxx", "x"], 'Did you mean "mlx"?'],
    [["generate"], "standard input is empty"],
    [["chat", "hello"], "chat takes no prompt"],
    [["models", "remove"], 'Unknown action "remove"'],
    [["models", "rm", "a/b"], "add --yes"],
    [["models", "pull"], "Expected one model"],
  ])("ends with 2 and one line for %j", async (args, message) => {
    const { stdout, stderr, status } = await runProgram(args);
    expect(stderr).toContain(message);
    expect(stderr.trimEnd().split("\n")).toHaveLength(1);
    expect([stdout, status]).toEqual(["", 2]);
  });

  test("says with --json on stdout what failed", async () => {
    const { stdout, status } = await runProgram(["generate", "--json", "--model", "/no/such.gguf", "x"]);
    expect(JSON.parse(stdout).error).toMatchObject({ name: "ModelNotFoundError", code: "model-not-found" });
    expect(status).toBe(1);
  });
});

describe("models", () => {
  const REPO = "org/tiny";
  const COMMIT = "0123456789abcdef0123456789abcdef01234567";
  let cache = "";

  /** A cache as Python's huggingface_hub leaves it. */
  beforeAll(async () => {
    cache = await mkdtemp(join(tmpdir(), "abstractllm-cache-"));
    const root = join(cache, "models--org--tiny");
    const snapshot = join(root, "snapshots", COMMIT);
    for (const folder of [join(root, "refs"), join(root, "blobs"), snapshot])
      await mkdir(folder, { recursive: true });
    await writeFile(join(root, "refs", "main"), COMMIT);
    const config = { model_type: "llama", vocab_size: 5, quantization: { bits: 4, group_size: 64 } };
    const files = { "config.json": JSON.stringify(config), "model.safetensors": "x".repeat(3000) };
    for (const [name, content] of Object.entries(files)) {
      await writeFile(join(root, "blobs", name), content);
      await symlink(join("..", "..", "blobs", name), join(snapshot, name));
    }
  });
  afterAll(() => rm(cache, { recursive: true, force: true }));

  const models = (...args: string[]) => runProgram(["models", ...args, "--cache-dir", cache]);

  test("lists what can be loaded, for people and for programs", async () => {
    const list = await models("list");
    expect(list.stdout).toMatch(/^MODEL +SIZE +FORMAT +USED\norg\/tiny +3\.\d KB +safetensors +just now\n$/);
    const { stdout } = await models("list", "--json");
    expect(JSON.parse(stdout).models).toMatchObject([
      { repo: REPO, revision: COMMIT, format: "safetensors" },
    ]);
  });

  test("lists what another provider has", async () => {
    const service = await HttpService.start(ollamaService);
    const list = (...args: string[]) =>
      runProgram(["models", "list", "-p", "ollama", "--base-url", service.origin, ...args]);
    expect((await list()).stdout).toMatch(/^MODEL +CONTEXT +DATE +OWNER\nphi4-mini:latest +2025-06-15\n/);
    const { provider, models: listed } = JSON.parse((await list("--json")).stdout);
    expect(provider).toBe("ollama");
    expect(listed).toContainEqual({
      id: "llava:7b",
      createdAt: "2025-06-15T12:00:00.123Z",
      capabilities: {},
    });
    const { stderr, status } = await list("--cache-dir", cache);
    expect(stderr).toContain("does not support the option --cache-dir");
    expect(status).toBe(1);
    await service.stop();
  });

  test("describes one", async () => {
    const { stdout } = await models("info", REPO, "--json");
    expect(JSON.parse(stdout)).toMatchObject({
      name: REPO,
      revision: COMMIT,
      modelType: "llama",
      vocabularySize: 5,
      quantization: "4 bits in groups of 64",
      files: ["config.json", "model.safetensors"],
    });
    expect((await models("info", REPO)).stdout).toContain("model type      llama");
  });

  test("says of one with a broken config which file that is", async () => {
    const broken = await mkdtemp(join(tmpdir(), "abstractllm-broken-"));
    for (const config of ["{ secret", "null"]) {
      await writeFile(join(broken, "config.json"), config);
      const { stderr, status } = await models("info", broken);
      expect(stderr).toBe(
        `error: ${join(broken, "config.json")} holds no JSON object; download the model again\n`,
      );
      expect(status).toBe(1);
    }
    await rm(broken, { recursive: true });
  });

  test("says of one that is not there how to fetch it", async () => {
    const { stderr, status } = await models("info", "org/other");
    expect(stderr).toContain(
      "Model 'org/other' not found: it is not complete in the cache; abstractllm models pull",
    );
    expect(status).toBe(1);
  });

  test("pull of what is there prints its folder", async () => {
    const { stdout, status } = await models("pull", REPO, "--offline");
    expect([stdout, status]).toEqual([`${join(cache, "models--org--tiny", "snapshots", COMMIT)}\n`, 0]);
  });

  test("rm --yes removes it", async () => {
    expect((await models("rm", "--yes", REPO)).stdout).toMatch(/^Removed org\/tiny, 3\.\d KB freed\n$/);
    const { stdout, stderr } = await models("list");
    expect([stdout, stderr]).toEqual(["", expect.stringContaining("No models in")]);
  });
});

test("doctor says what it found, names keys and never shows them", async () => {
  const env = { HF_TOKEN: "hf_canary", HF_HOME: tmpdir() };
  const [text, json] = [
    await runProgram(["doctor"], { env }),
    await runProgram(["doctor", "--json"], { env }),
  ];
  const { findings } = JSON.parse(json.stdout);
  const names = findings.map(({ name }: { name: string }) => name);
  for (const name of ["Node.js", "libmlx", "device", "instruction sets", "cache", "Hugging Face key"]) {
    expect(names).toContain(name);
    expect(text.stdout).toContain(name);
  }
  expect(findings).toContainEqual({ name: "Hugging Face key", status: "ok", detail: "set" });
  expect(JSON.stringify([text, json])).not.toContain("canary");
  expect(text.status).toBe(0);
});
