import { spawnSync } from "node:child_process";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { findOnPath } from "../setup/prerequisites.mjs";
import { buildFolder } from "../setup/steps/addon.mjs";
import { CannotCheck } from "./check.mjs";

/** What kernels for processors without AVX-512 must not hold: its registers, and masks. */
const avx512 = /%zmm|%[xy]mm(1[6-9]|2\d|3[01])\b|%k[0-7]\b/;
/** By the end of a kernel's name. Those of AVX-VNNI have a form of AVX-512 too, which objdump writes without `{vex}`. */
const rules = [
  { set: "scalar", forbidden: /%[yz]mm/ },
  { set: "avx2", forbidden: avx512 },
  { set: "avxvnni", forbidden: avx512 },
];
const expected = [
  { kernel: "matmul_digits_avx2", instructions: ["vpmaddwd"] },
  { kernel: "matmul_digits_avxvnni", instructions: ["{vex} vpdpbusd"] },
  { kernel: "matmul_digits_avx512vnni", instructions: ["vpdpbusd"] },
  {
    kernel: "matmul_digits_amx",
    instructions: ["ldtilecfg", "tilezero", "tileloadd", "tdpbsud", "tilestored", "tilerelease"],
  },
];

/** Lists instructions of kernels that this machine may not be able to run. @type {import("./check.mjs").MachineCheck} */
export const x64Instructions = {
  title: "kernels for x64 hold the instructions of their set, and none of a higher one",
  async run({ root, variant, env }) {
    if (process.arch !== "x64") throw new CannotCheck("this machine builds no kernels for x64");
    if (findOnPath("objdump", env) === undefined)
      throw new CannotCheck("needs objdump: sudo apt install binutils");
    const folder = join(buildFolder(root, variant), "CMakeFiles", "mlx_addon.dir", "src", "cpu");
    const objects = readdirSync(folder).filter((name) => name.endsWith(".cc.o"));
    const codeOf = (/** @type {string} */ name) => disassemble(join(folder, name), env);
    for (const { set, forbidden } of rules) {
      for (const name of objects.filter((name) => name.endsWith(`_${set}.cc.o`))) {
        const found = codeOf(name).find((line) => forbidden.test(line));
        if (found !== undefined) throw new Error(`${name} has an instruction of a higher set: ${found}`);
      }
    }
    return expected
      .map(({ kernel, instructions }) => countEach(codeOf(`${kernel}.cc.o`), instructions))
      .join(", ");
  },
};

/** @param {string} path @param {NodeJS.ProcessEnv} env @returns {string[]} one instruction in each */
function disassemble(path, env) {
  const run = { encoding: /** @type {const} */ ("utf8"), env, maxBuffer: 1 << 28 };
  const { stdout, status, stderr } = spawnSync("objdump", ["-d", "--no-show-raw-insn", path], run);
  if (status !== 0) throw new Error(`objdump failed: ${stderr}`);
  return stdout.split("\n").flatMap((line) => line.split("\t").slice(1, 2));
}

/** @param {readonly string[]} code @param {readonly string[]} instructions @throws {Error} when one is nowhere */
function countEach(code, instructions) {
  const counts = instructions.map((name) => {
    const count = code.filter((line) => line.startsWith(`${name} `) || line === name).length;
    if (count === 0) throw new Error(`no ${name} where it should be`);
    return `${count} ${name}`;
  });
  return counts.join(" ");
}
