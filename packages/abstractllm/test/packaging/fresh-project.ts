import { spawn, spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { mkdir, mkdtemp, readFile, realpath, rm, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import { type PackedPackage, packPackages } from "../../../../scripts/packaging/pack-packages.mjs";

const ROOT = fileURLToPath(new URL("../../../../", import.meta.url)).replace(/\/$/, "");

/** Where the packages of this checkout are, for what a fresh project takes from a registry. */
export const MODULES = join(ROOT, "node_modules");

/** The compilers that users have: the one that this checkout is built with, and the newest. */
export const COMPILERS = [
  join(MODULES, "typescript"),
  dirname(createRequire(import.meta.url).resolve("typescript/package.json")), // of this package's own dependency
].map((folder) => {
  const { version }: Manifest = JSON.parse(readFileSync(join(folder, "package.json"), "utf8"));
  return { version, tsc: join(folder, "bin", "tsc") };
});

/** For packing and installing, on a machine that has other work. */
export const SETUP_TIMEOUT_MS = 300_000;

/** What a run of Node left. */
export interface NodeRun {
  readonly stdout: string;
  readonly stderr: string;
  readonly status: number | null;
}

/** A project outside of this repository in which the packed packages are installed as users install them. */
export class FreshProject {
  readonly folder: string;
  readonly packed: readonly PackedPackage[];

  private constructor(folder: string, packed: readonly PackedPackage[]) {
    this.folder = folder;
    this.packed = packed;
  }

  /**
   * Packs and installs.
   *
   * @param names - of packed packages
   * @param others - packages from this checkout's node_modules that the project depends on
   */
  static async create(names: readonly string[], others: readonly string[]): Promise<FreshProject> {
    const folder = await realpath(await mkdtemp(join(tmpdir(), "abstractllm-project-")));
    const packed = await packPackages(ROOT, join(folder, "packages"), names);
    // nothing is fetched: npm takes the packages' own dependencies from this checkout too
    const local = (packages: readonly string[]) =>
      Object.fromEntries(packages.map((name) => [name, `file:${join(MODULES, name)}`]));
    const manifests = await Promise.all(packed.map((each) => readManifest(each.folder)));
    const dependencies = manifests.flatMap((manifest) => Object.keys(manifest.dependencies ?? {}));
    const tarballs = packed.map(({ name, tarball }) => [name, `file:${tarball}`]);
    const project = new FreshProject(folder, packed);
    await project.write("package.json", {
      name: "fresh-project",
      private: true,
      type: "module",
      dependencies: { ...Object.fromEntries(tarballs), ...local(others) },
      overrides: local(dependencies),
    });
    const install = ["install", "--offline", "--ignore-scripts", "--no-audit", "--no-fund"];
    const { status, stderr } = spawnSync("npm", install, { cwd: folder, encoding: "utf8" });
    if (status !== 0) throw new Error(`npm ${install.join(" ")} failed:\n${stderr}`);
    return project;
  }

  /** Writes a file of the project; an object becomes JSON. */
  async write(path: string, content: string | object): Promise<string> {
    const whole = join(this.folder, path);
    await mkdir(join(whole, ".."), { recursive: true });
    await writeFile(whole, typeof content === "string" ? content : JSON.stringify(content));
    return whole;
  }

  /** Runs Node to its end in the project's folder, without what the environment of the test holds. */
  async node(args: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<NodeRun> {
    const child = spawn(process.execPath, args, {
      cwd: this.folder,
      env: { PATH: process.env.PATH, HOME: this.folder, NO_COLOR: "1", ...env },
    });
    const ended = new Promise<number | null>((resolve) => child.on("close", resolve));
    const [stdout, stderr] = await Promise.all([text(child.stdout), text(child.stderr)]);
    return { stdout, stderr, status: await ended };
  }

  /** Runs code as an ES module. */
  run(code: string): Promise<NodeRun> {
    return this.node(["--input-type=module", "--eval", code]);
  }

  remove(): Promise<void> {
    return rm(this.folder, { recursive: true });
  }
}

/** Of a package.json. */
export interface Manifest {
  readonly version: string;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly exports?: Readonly<Record<string, unknown>>;
}

/** What package.json says in a folder. */
export async function readManifest(folder: string): Promise<Manifest> {
  return JSON.parse(await readFile(join(folder, "package.json"), "utf8"));
}
