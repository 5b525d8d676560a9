import { type ParseArgsConfig, parseArgs } from "node:util";
import { nearestName } from "../config/nearest-name.ts";
import { OPTION_TABLE, type OptionName } from "../config/option-table.ts";
import { parseOptionText } from "../config/parse-option-text.ts";
import type { Flag } from "./flags.ts";
import { UsageError } from "./usage-error.ts";

/** A command line, taken apart. */
export interface ParsedFlags {
  readonly positionals: readonly string[];
  /** Flags that are no options, by name. */
  has(name: string): boolean;
  text(name: string): string | undefined;
  /** False only where `--no-<name>` was given. */
  readonly off: ReadonlySet<string>;
  /** Options that flags set, by their names in the library. */
  readonly options: Readonly<Partial<Record<OptionName, unknown>>>;
}

type Values = Record<string, string | boolean | (string | boolean)[] | undefined>;

/**
 * Reads a command's arguments.
 *
 * @throws {UsageError} for a flag that is unknown or lacks its value
 */
export function parseFlags(args: readonly string[], flags: readonly Flag[]): ParsedFlags {
  const { values, positionals } = parse(args, flags);
  const off = new Set(flags.map(({ name }) => name).filter((name) => values[name] === false));
  const misused = flags.find(({ name, negative }) => !negative && off.has(name));
  if (misused) throw new UsageError(`--no-${misused.name} is not a flag; leave out --${misused.name}`);
  return {
    positionals,
    has: (name) => values[name] === true,
    text: (name) => (typeof values[name] === "string" ? values[name] : undefined),
    off,
    options: Object.fromEntries(
      flags.flatMap((flag) => {
        const value = values[flag.name];
        return flag.option === undefined || value === undefined
          ? []
          : [[flag.option, optionValue(flag.option, value)]];
      }),
    ),
  };
}

function optionValue(option: OptionName, value: NonNullable<Values[string]>): unknown {
  return typeof value === "string" ? parseOptionText(OPTION_TABLE[option].check, value) : value;
}

function parse(args: readonly string[], flags: readonly Flag[]): { values: Values; positionals: string[] } {
  try {
    return parseArgs({
      args: [...args],
      options: Object.fromEntries(flags.map((flag) => [flag.name, parserOption(flag)])),
      allowPositionals: true,
      allowNegative: true,
    });
  } catch (error) {
    throw new UsageError(explain(error as NodeJS.ErrnoException, flags));
  }
}

function parserOption({ value, short, multiple }: Flag): NonNullable<ParseArgsConfig["options"]>[string] {
  return {
    type: value === undefined ? "boolean" : "string",
    ...(short === undefined ? {} : { short }),
    ...(multiple === undefined ? {} : { multiple }),
  };
}

function explain(error: NodeJS.ErrnoException, flags: readonly Flag[]): string {
  const unknown = /'(-[^']*)'/.exec(error.message)?.[1];
  if (error.code !== "ERR_PARSE_ARGS_UNKNOWN_OPTION" || unknown === undefined) {
    return error.message.replace(/\s+/g, " ");
  }
  const nearest = nearestName(
    unknown,
    flags.map(({ name, negative }) => (negative ? `--no-${name}` : `--${name}`)),
  );
  return `Unknown flag ${unknown}${nearest === undefined ? "" : `; did you mean ${nearest}?`}`;
}
