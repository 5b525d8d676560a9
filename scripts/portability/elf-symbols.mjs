import { readFileSync } from "node:fs";
import { isAtLeast } from "../setup/version.mjs";

const elf64LittleEndian = "\x7fELF\x02\x01";
const sectionTypes = { dynamicSymbols: 11, neededVersions: 0x6ffffffe };

/**
 * What a shared library of Linux takes from others and gives to them.
 *
 * @typedef {object} ElfSymbols
 * @property {Set<string>} defined
 * @property {Set<string>} undefined_
 * @property {string[]} versions - symbol versions it needs, for example `GLIBC_2.35`
 */

/**
 * Reads the dynamic symbols of a 64-bit ELF file.
 *
 * @param {string} path
 * @returns {ElfSymbols}
 * @throws {Error} when the file is not little-endian ELF64 with dynamic symbols
 */
export function readElfSymbols(path) {
  const file = readFileSync(path);
  if (file.toString("latin1", 0, 6) !== elf64LittleEndian)
    throw new Error(`${path} is not a 64-bit ELF file`);
  const sections = readSections(file);
  const symbols = sections.find(({ type }) => type === sectionTypes.dynamicSymbols);
  if (symbols === undefined) throw new Error(`${path} has no dynamic symbols`);
  const names = sections[symbols.link];
  /** @type {ElfSymbols} */
  const result = { defined: new Set(), undefined_: new Set(), versions: [] };
  for (let at = symbols.offset + 24; at < symbols.offset + symbols.size; at += 24) {
    const name = textAt(file, (names?.offset ?? 0) + file.readUInt32LE(at));
    const isDefined = file.readUInt16LE(at + 6) !== 0;
    (isDefined ? result.defined : result.undefined_).add(name);
  }
  const needed = sections.find(({ type }) => type === sectionTypes.neededVersions);
  if (needed !== undefined)
    result.versions = readNeededVersions(file, needed, sections[needed.link]?.offset ?? 0);
  return result;
}

/**
 * The newest C library that symbols ask for.
 *
 * @param {ElfSymbols} symbols
 * @returns {string} for example `glibc 2.34`
 */
export function neededGlibc({ versions }) {
  const numbers = versions.flatMap((name) => /^GLIBC_(\d.*)$/.exec(name)?.[1] ?? []);
  return `glibc ${numbers.reduce((newest, version) => (isAtLeast(version, newest) ? version : newest), "0")}`;
}

/** @param {Buffer} file */
function readSections(file) {
  const start = Number(file.readBigUInt64LE(0x28));
  const size = file.readUInt16LE(0x3a);
  return Array.from({ length: file.readUInt16LE(0x3c) }, (_, i) => {
    const at = start + i * size;
    return {
      type: file.readUInt32LE(at + 4),
      offset: Number(file.readBigUInt64LE(at + 24)),
      size: Number(file.readBigUInt64LE(at + 32)),
      link: file.readUInt32LE(at + 40),
      count: file.readUInt32LE(at + 44),
    };
  });
}

/** @param {Buffer} file @param {{ offset: number, count: number }} section @param {number} names - offset of its strings */
function readNeededVersions(file, section, names) {
  const versions = [];
  let library = section.offset;
  for (let i = 0; i < section.count; i++) {
    let entry = library + file.readUInt32LE(library + 8);
    for (let j = 0; j < file.readUInt16LE(library + 2); j++) {
      versions.push(textAt(file, names + file.readUInt32LE(entry + 8)));
      entry += file.readUInt32LE(entry + 12);
    }
    library += file.readUInt32LE(library + 12);
  }
  return versions;
}

/** @param {Buffer} file @param {number} start */
function textAt(file, start) {
  return file.toString("latin1", start, file.indexOf(0, start));
}
