/**
 * A table in GitHub's Markdown; its head is the first row.
 *
 * @param width - columns that every row gets
 */
export function toMarkdownTable(rows: readonly (readonly string[])[], width: number): string {
  const [head = [], ...body] = rows;
  const rule = Array.from({ length: width }, () => "---");
  return [head, rule, ...body].map((row) => toLine(row, width)).join("\n");
}

function toLine(row: readonly string[], width: number): string {
  const cells = Array.from({ length: width }, (_, index) => escapeCell(row[index] ?? ""));
  return `| ${cells.join(" | ")} |`;
}

/** A bar would end the cell, a line break the row. */
const escapeCell = (text: string): string =>
  text
    .trim()
    .replaceAll("|", "\\|")
    .replace(/\r\n|\r|\n/g, "<br>");
