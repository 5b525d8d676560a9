import { ownOptions } from "../config/own-options.ts";
import type { MediaSource } from "../interface/media-source.ts";
import { decodeText } from "./decode-text.ts";
import { MAX_TABLE_CELLS } from "./limits.ts";
import { MediaProblem } from "./media-problem.ts";
import type { SourceFile } from "./source-file.ts";
import { type TextInputOptions, TextualInput } from "./textual-input.ts";
import { toMarkdownTable } from "./to-markdown-table.ts";

/** How a table is read. */
export interface TabularInputOptions extends TextInputOptions {
  /** What separates the cells. Default: a tab for TSV, else what fits best of comma, semicolon, tab and bar. */
  readonly delimiter?: string | undefined;
}

/**
 * A CSV or TSV file; models read it as a Markdown table whose head is the first row.
 *
 * @throws {FileProcessingError} for a source of unknown form; the methods, when it cannot be read or is no table
 * @example const rows = await new TabularInput("sales.csv").rows();
 */
export class TabularInput extends TextualInput {
  readonly mediaType = "tabular";
  override readonly delimiter: string | undefined;

  constructor(source: MediaSource | SourceFile, options: TabularInputOptions = {}) {
    super(source, options);
    this.delimiter =
      ownOptions(options).delimiter ?? (this.mimeType === "text/tab-separated-values" ? "\t" : undefined);
  }

  /** The cells, row by row; rows without any text are left out, short ones keep their length. */
  rows(signal?: AbortSignal): Promise<readonly (readonly string[])[]> {
    return this.guarded(async () => this.#parse(await this.file.read(this.maxBytes, signal)));
  }

  override async metadata(signal?: AbortSignal): Promise<Readonly<Record<string, unknown>>> {
    const rows = await this.rows(signal);
    return { ...(await super.metadata(signal)), rowCount: rows.length, columnCount: widthOf(rows) };
  }

  protected async extract(bytes: Uint8Array): Promise<string> {
    const rows = await this.#parse(bytes);
    const width = widthOf(rows);
    if (rows.length * width > MAX_TABLE_CELLS) {
      throw new MediaProblem(
        `its ${rows.length} rows and ${width} columns are more than ${MAX_TABLE_CELLS} cells`,
      );
    }
    return toMarkdownTable(rows, width);
  }

  async #parse(bytes: Uint8Array): Promise<readonly (readonly string[])[]> {
    const { default: papa } = await import("papaparse");
    const { data, errors } = papa.parse<string[]>(decodeText(bytes, this.encoding), {
      skipEmptyLines: "greedy",
      delimitersToGuess: [",", ";", "\t", "|"],
      ...(this.delimiter === undefined ? {} : { delimiter: this.delimiter }),
    });
    const open = errors.find(({ code }) => code === "MissingQuotes");
    if (open !== undefined)
      throw new MediaProblem(`the quotes that row ${(open.row ?? 0) + 1} opens are never closed`);
    if (data.length === 0) throw new MediaProblem("it has no rows");
    return data;
  }
}

const widthOf = (rows: readonly (readonly string[])[]): number =>
  rows.reduce((width, row) => Math.max(width, row.length), 0);
