import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import * as mx from "../../src/core/index.ts";
import { PrefixCache } from "../../src/generation/prefix-cache.ts";
import { preparePrefixFolder } from "../../src/generation/prefix-folder/index.ts";
import { TextPrompt } from "../../src/generation/prompt.ts";
import type { LanguageModel } from "../../src/models/index.ts";
import { readSafetensorsHeader } from "../../src/weights/index.ts";
import { activeMemory } from "../active-memory.ts";
import { readModelGoldens } from "../parity/golden.ts";
import { buildModel } from "../parity/run-model.ts";
import { ANSWER, ask as askPrompt, type Outcome } from "./ask.ts";
import { begin, end, IDENTITY } from "./stored-prefixes.ts";

const V = 64;

const text = (seed: number, length: number): number[] =>
  Array.from({ length }, (_, i) => (seed * 17 + i * 23 + 5) % V);

const ask = (model: LanguageModel, tokens: number[], prefixes?: PrefixCache): Outcome =>
  askPrompt(model, new TextPrompt(model, tokens), prefixes);

let root: string;
beforeEach(() => {
  mx.setDefaultDevice("cpu");
  root = mkdtempSync(join(tmpdir(), "prefixes-"));
});
afterEach(() => rmSync(root, { recursive: true }));

const cases = readModelGoldens().flatMap(({ architecture, cases: [golden] }) =>
  golden === undefined ? [] : [{ architecture, golden }],
);

describe.each(cases)("prefixes of $architecture in a folder", ({ golden }) => {
  let model: LanguageModel;
  beforeAll(async () => {
    mx.setDefaultDevice("cpu");
    ({ model } = await buildModel(golden));
  });
  afterAll(() => model?.dispose());

  it("give, after a restart, the bits that they give without one", () => {
    const first = text(1, 22);
    const inMemory = new PrefixCache(2 ** 24);
    const { tokens } = ask(model, first, inMemory);
    const second = [...first, ...tokens.slice(0, -1), ...text(2, 9)];
    const expected = [first, second].map((prompt) => ask(model, prompt, inMemory));
    inMemory.clear();

    const before = begin(model, root);
    ask(model, first, before);
    expect(end(before)).toEqual([]);
    const after = begin(model, root);
    const outcomes = [first, second].map((prompt) => ask(model, prompt, after));
    expect(end(after)).toEqual([]);
    expect(outcomes).toEqual(expected);
    expect(outcomes.map(({ reused }) => reused)).toEqual([first.length - 1, first.length + ANSWER - 1]);
  });
});

describe("a folder of prefixes", () => {
  const build = async (architecture: string): Promise<LanguageModel> => {
    const golden = cases.find((each) => each.architecture === architecture)?.golden;
    if (golden === undefined) throw new Error(`no ${architecture}`);
    return (await buildModel(golden)).model;
  };
  let model: LanguageModel;
  beforeAll(async () => {
    mx.setDefaultDevice("cpu");
    model = await build("llama");
  });
  afterAll(() => model?.dispose());

  const prompts = [text(1, 20), text(2, 20), text(3, 20)] as const;
  const folder = (): string => join(root, IDENTITY);
  const files = (): string[] => readdirSync(folder()).map((name) => join(folder(), name));
  const fileOf = (prompt: readonly number[]): string => {
    const before = new Set(files());
    const process = begin(model, root);
    ask(model, [...prompt], process);
    expect(end(process)).toEqual([]);
    return files().find((path) => !before.has(path)) ?? expect.fail("nothing was written");
  };
  /** How much of a prompt a new process needs not read, and what it warns of; its answer is always right. */
  const askAnew = (prompt: readonly number[], process = begin(model, root)) => {
    const outcome = ask(model, [...prompt], process);
    expect(outcome.tokens).toEqual(ask(model, [...prompt]).tokens);
    const warnings = process.store();
    process.clear();
    return { reused: outcome.reused, warnings };
  };
  beforeEach(() => mkdirSync(folder()));

  it("is its owner's alone, and its files are safetensors", () => {
    const path = join(root, "new", "one");
    preparePrefixFolder(path);
    const process = begin(model, path);
    ask(model, [...prompts[0]], process);
    end(process);
    const [file = ""] = readdirSync(join(path, IDENTITY));
    const modes = [path, join(path, IDENTITY), join(path, IDENTITY, file)].map(
      (p) => statSync(p).mode & 0o777,
    );
    expect(modes).toEqual([0o700, 0o700, 0o600]);
    const { tensors, metadata } = readSafetensorsHeader(join(path, IDENTITY, file));
    expect(JSON.parse(metadata.prefix ?? "")).toMatchObject({ promptLength: 20 });
    expect(tensors.at(-1)).toMatchObject({ name: "checksum", shape: [1] });
  });

  it("refuses what is no folder, before anything else happens", () => {
    const path = join(root, "file");
    writeFileSync(path, "");
    expect(() => preparePrefixFolder(path)).toThrow(expect.objectContaining({ code: "storage" }));
  });

  it("serves whatever begins alike", () => {
    fileOf(prompts[0]);
    expect(askAnew([...prompts[0].slice(0, 13), ...text(7, 6)])).toEqual({ reused: 13, warnings: [] });
    expect(askAnew(prompts[1])).toEqual({ reused: 0, warnings: [] });
  });

  it("never serves another model, though all its files are there", () => {
    fileOf(prompts[0]);
    const identity = () => "f".repeat(32);
    expect(askAnew(prompts[0], begin(model, root, { identity }))).toEqual({ reused: 0, warnings: [] });
  });

  it("keeps a file for a conversation that grows, written again when it has grown by a quarter", () => {
    fileOf(prompts[0]);
    const [first] = files();
    const process = begin(model, root);
    let prompt = [...prompts[0]]; // its file has 25 tokens
    const goOn = (): void => {
      prompt = [...prompt, ...ask(model, prompt, process).tokens, 1];
    };
    goOn();
    expect([process.store(), files()]).toEqual([[], [first]]);
    goOn(); // 32
    expect([process.store(), files()]).toEqual([[], [expect.not.stringMatching(first ?? "")]]);
    const [grown] = files();
    goOn(); // 39
    expect([process.store(), files()]).toEqual([[], [grown]]);
    expect([end(process), files()]).toEqual([[], [expect.not.stringMatching(grown ?? "")]]);
  });

  it("keeps no prompt that is read as fast as a file", () => {
    const process = begin(model, root, { leastTokens: 40 });
    ask(model, [...prompts[0]], process);
    expect([end(process), files()]).toEqual([[], []]);
  });

  it("removes what was used longest ago beyond its limit, of other models as well", () => {
    const first = fileOf(prompts[0]);
    const { size } = statSync(first);
    const foreign = join(root, "f".repeat(32));
    mkdirSync(foreign);
    const old = join(foreign, `${"e".repeat(32)}.safetensors`);
    writeFileSync(old, "x".repeat(100));
    utimesSync(old, 1, 1);
    const strange = join(root, "notes.txt");
    writeFileSync(strange, "x".repeat(2 * size));
    utimesSync(first, 2, 2);
    const second = fileOf(prompts[1]);
    utimesSync(second, 3, 3);
    expect(askAnew(prompts[0]).reused).toBe(19); // used now
    const process = begin(model, root, { maxBytes: Math.floor(2.5 * size) });
    ask(model, [...prompts[2]], process);
    expect(end(process)).toEqual([]);
    expect(readdirSync(foreign)).toEqual([]);
    expect(statSync(strange).size).toBe(2 * size);
    expect(files()).toHaveLength(2);
    expect(files()).toContain(first);
  });

  it("keeps nothing that is larger than its limit", () => {
    const process = begin(model, root, { maxBytes: 100 });
    ask(model, [...prompts[0]], process);
    expect([end(process), files()]).toEqual([[], []]);
  });

  it("sees what other processes write and remove meanwhile", () => {
    const process = begin(model, root);
    expect(askAnew(prompts[1], process).reused).toBe(0); // has looked around
    const path = fileOf(prompts[0]);
    expect(askAnew(prompts[0], process).reused).toBe(19);
    rmSync(path);
    expect(askAnew(prompts[0], process)).toEqual({ reused: 0, warnings: [] });
  });

  it("removes what a process that died left half written, when it is old enough", () => {
    const [old, young] = ["a", "b"].map((digit) =>
      join(folder(), `${"0".repeat(32)}.${digit.repeat(16)}.incomplete`),
    );
    for (const path of [old ?? "", young ?? ""]) writeFileSync(path, "half");
    utimesSync(old ?? "", 1, 1);
    fileOf(prompts[0]);
    expect(files()).toContain(young);
    expect(files()).not.toContain(old);
  });

  const damages: Record<string, (path: string) => void> = {
    "is cut short": (path) => truncateSync(path, statSync(path).size - 1),
    "is empty": (path) => writeFileSync(path, ""),
    "is something else": (path) => writeFileSync(path, JSON.stringify({ hello: "world" }).repeat(20)),
    "has another bit in its keys": (path) => flip(path, (bytes) => bytes.length - 1000),
    "has another checksum": (path) => flip(path, (bytes) => bytes.length - 1),
    "has another token": (path) => flip(path, (bytes) => bytes.indexOf("promptLength") - 6),
    "has another count": (path) => flip(path, (bytes) => bytes.indexOf("promptLength") + 16),
    "has no snapshot": (path) => {
      const bytes = readFileSync(path);
      bytes.write("Layers", bytes.indexOf("layers"));
      writeFileSync(path, bytes);
    },
  };
  const flip = (path: string, place: (bytes: Buffer) => number): void => {
    const bytes = readFileSync(path);
    const at = place(bytes);
    bytes[at] = (bytes[at] ?? 0) ^ 1;
    writeFileSync(path, bytes);
  };

  it.each(Object.entries(damages))("never trusts a file that %s", (_, damage) => {
    const path = fileOf(prompts[0]);
    damage(path);
    const before = activeMemory();
    const { reused, warnings } = askAnew(prompts[0]);
    expect(reused).toBe(0);
    expect(warnings).toEqual([expect.stringContaining("damaged")]);
    expect(activeMemory()).toBe(before);
    expect(askAnew(prompts[0])).toEqual({ reused: 19, warnings: [] }); // written anew
  });

  it.each(["gpt_neox", "mamba2", "gemma3_text", "falcon_h1"])(
    "never lets what %s left into layers of another kind",
    async (architecture) => {
      const other = await build(architecture);
      const process = begin(other, root);
      ask(other, [...prompts[0]], process);
      expect(end(process)).toEqual([]);
      other.dispose();
      const { reused, warnings } = askAnew(prompts[0]);
      expect(reused).toBe(0);
      expect(warnings).toContainEqual(expect.stringContaining("does not fit"));
    },
  );

  it("says once that it cannot be written, and answers", () => {
    rmSync(folder(), { recursive: true });
    writeFileSync(folder(), "in the way");
    const process = begin(model, root);
    const expected = ask(model, [...prompts[0]]).tokens;
    expect(ask(model, [...prompts[0]], process).tokens).toEqual(expected);
    expect(process.store()).toEqual([expect.stringContaining("no longer kept")]);
    expect(ask(model, [...prompts[1]], process).reused).toBe(0);
    expect([process.store(), process.store(true)]).toEqual([[], []]);
    process.clear();
  });
});
