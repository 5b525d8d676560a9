import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { expect } from "vitest";
import type { HubLimits } from "../../src/hub/hub-context.ts";
import { type ResolvedModel, type ResolveModelOptions, resolveModel } from "../../src/hub/index.ts";
import { type FakeHub, gitHash, sha256 } from "./hub-fake.ts";

/** Waits short enough for a test; the numbers of tries are the real ones. */
export const QUICK: Partial<HubLimits> = {
  retryBaseMs: 1,
  retryMaxMs: 4,
  lockPollMs: 5,
  progressIntervalMs: 0,
};

/** For faults that are silent: fewer seconds until that counts as a stall. */
export const IMPATIENT: Record<string, string> = {
  HF_HUB_DOWNLOAD_TIMEOUT: "0.25",
  HF_HUB_ETAG_TIMEOUT: "0.25",
};

export const TOKEN = "hf_SECRETsecretSECRET";

/** Deterministic bytes that no compression or repetition hides errors in. */
export function randomBytes(length: number, seed = 1): Buffer {
  let state = seed >>> 0;
  return Buffer.from(
    Uint8Array.from({ length }, () => {
      state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
      return state >>> 24;
    }),
  );
}

export const WEIGHTS = randomBytes(300_000);
export const MODEL_FILES = {
  "config.json": '{"model_type":"llama"}\n',
  "tokenizer.json": randomBytes(5000, 7),
  "model.safetensors": WEIGHTS,
  "README.md": "not wanted",
  "modeling.py": "not wanted",
} as const;
export const WANTED = ["config.json", "model.safetensors", "tokenizer.json"];

const folders: string[] = [];

export function newCache(): string {
  const folder = mkdtempSync(join(tmpdir(), "hub-test-"));
  folders.push(folder);
  return join(folder, "hub");
}

export function removeCaches(): void {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true });
}

/** Resolves against a fake hub with short waits. */
export function pull(
  hub: FakeHub,
  cacheDir: string,
  source = "org/model",
  options: ResolveModelOptions & { limits?: Partial<HubLimits>; env?: Record<string, string> } = {},
): Promise<ResolvedModel> {
  const { limits, env, ...rest } = options;
  return resolveModel(
    source,
    { cacheDir, endpoint: hub.endpoint, ...rest },
    { env: { HOME: "/nonexistent", ...env }, limits: { ...QUICK, ...limits } },
  );
}

/** Every file that can be seen is whole, whatever happened before. */
export function expectNothingCorrupt(cacheDir: string, repo = "org/model"): void {
  const root = join(cacheDir, `models--${repo.replace("/", "--")}`);
  for (const name of list(join(root, "blobs"))) {
    if (name.endsWith(".incomplete")) continue;
    const data = readFileSync(join(root, "blobs", name));
    expect([sha256(data), gitHash(data)]).toContain(name);
  }
  for (const commit of list(join(root, "snapshots"))) {
    for (const name of list(join(root, "snapshots", commit))) {
      expect(existsSync(join(root, "snapshots", commit, name)), `${name} leads nowhere`).toBe(true);
    }
  }
}

/** The model is there as published, and nothing is left over; locks may be where removing them was made to fail. */
export function expectWhole(
  model: ResolvedModel,
  files: Readonly<Record<string, string | Buffer>>,
  locks: "no locks" | "maybe locks" = "no locks",
): void {
  for (const name of model.files) {
    const published = Buffer.from(files[name] ?? "");
    expect(readFileSync(join(model.path, name)).equals(published), name).toBe(true);
  }
  const root = join(model.path, "..", "..");
  expect(leftovers(root)).toEqual([]);
  if (locks === "no locks") expect(list(join(root, "..", ".locks", basename(root)))).toEqual([]);
}

export function leftovers(root: string): string[] {
  return list(join(root, "blobs")).filter((name) => name.endsWith(".incomplete"));
}

export function list(folder: string): string[] {
  return existsSync(folder) ? readdirSync(folder) : [];
}
