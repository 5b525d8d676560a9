import { readFileSync } from "node:fs";

const magic64 = 0xfeedfacf;
const commands = { symbols: 0x2, library: 0xc, weakLibrary: 0x80000018, buildVersion: 0x32 };
const typeMask = 0x0e;
const external = 0x01;
const debuggerEntry = 0xe0;
/** Library ordinals with a meaning of their own. */
const ordinalNames = new Map([
  [0xfe, "anywhere"], // -undefined dynamic_lookup
  [0xff, "the executable"],
  [0, "itself"],
]);

/**
 * What a library or bundle of macOS takes from others and gives to them.
 *
 * @typedef {object} MachOSymbols
 * @property {Set<string>} defined
 * @property {{ name: string, from: string }[]} undefined_ - with the install name of the library that has it, or
 *   `anywhere` when that is left to load time
 * @property {string | undefined} oldestMacOS - for example `14.0`
 */

/**
 * Reads the external symbols of a 64-bit Mach-O file.
 *
 * @param {string} path
 * @returns {MachOSymbols}
 * @throws {Error} when the file is not little-endian 64-bit Mach-O with a symbol table
 */
export function readMachOSymbols(path) {
  const file = readFileSync(path);
  if (file.readUInt32LE(0) !== magic64) throw new Error(`${path} is not a 64-bit Mach-O file`);
  const libraries = [];
  let oldestMacOS;
  let table;
  let at = 32;
  for (let i = 0; i < file.readUInt32LE(16); i++) {
    const command = file.readUInt32LE(at);
    if (command === commands.library || command === commands.weakLibrary) {
      libraries.push(textAt(file, at + file.readUInt32LE(at + 8)));
    }
    if (command === commands.buildVersion) oldestMacOS = `${file.readUInt16LE(at + 14)}.${file[at + 13]}`;
    if (command === commands.symbols) table = at;
    at += file.readUInt32LE(at + 4);
  }
  if (table === undefined) throw new Error(`${path} has no symbol table`);
  return { ...readTable(file, table, libraries), oldestMacOS };
}

/** @param {Buffer} file @param {number} table - offset of the command @param {readonly string[]} libraries */
function readTable(file, table, libraries) {
  const [start, count, names] = [8, 12, 16].map((offset) => file.readUInt32LE(table + offset));
  const defined = new Set();
  const undefined_ = [];
  for (let at = start ?? 0; at < (start ?? 0) + (count ?? 0) * 16; at += 16) {
    const type = file[at + 4] ?? 0;
    if ((type & debuggerEntry) !== 0 || (type & external) === 0) continue;
    const name = textAt(file, (names ?? 0) + file.readUInt32LE(at));
    if ((type & typeMask) !== 0) {
      defined.add(name);
      continue;
    }
    const ordinal = file[at + 7] ?? 0;
    undefined_.push({
      name,
      from: ordinalNames.get(ordinal) ?? libraries[ordinal - 1] ?? `library ${ordinal}`,
    });
  }
  return { defined, undefined_ };
}

/** @param {Buffer} file @param {number} start */
function textAt(file, start) {
  return file.toString("latin1", start, file.indexOf(0, start));
}
