import { expect, test } from "vitest";
import { TabularInput } from "../../src/index.ts";

const table = (text: string, options = {}) => new TabularInput(new TextEncoder().encode(text), options);

test.each([
  ["commas", "a,b\n1,2\n", "| a | b |\n| --- | --- |\n| 1 | 2 |"],
  ["semicolons", "a;b\n1,5;2\n", "| a | b |\n| --- | --- |\n| 1,5 | 2 |"],
  ["CRLF and empty lines", "a,b\r\n\r\n1,2\r\n , \r\n", "| a | b |\n| --- | --- |\n| 1 | 2 |"],
  ["a byte order mark", "\ufeffa,b\n1,2", "| a | b |\n| --- | --- |\n| 1 | 2 |"],
  ["quotes around separators", '"a,b",c\n"x ""y""",z', '| a,b | c |\n| --- | --- |\n| x "y" | z |'],
  ["line breaks in cells", 'a,b\n"one\ntwo",3', "| a | b |\n| --- | --- |\n| one<br>two | 3 |"],
  ["bars in cells", "a,b\nx|y,z", "| a | b |\n| --- | --- |\n| x\\|y | z |"],
  ["short and long rows", "a,b\n1\n1,2,3", "| a | b |  |\n| --- | --- | --- |\n| 1 |  |  |\n| 1 | 2 | 3 |"],
  ["one column", "name\nx\ny", "| name |\n| --- |\n| x |\n| y |"],
])("makes a Markdown table of %s", async (_, csv, markdown) => {
  expect(await table(csv).text()).toBe(markdown);
});

test("takes the separator that it is told, and tabs for TSV", async () => {
  expect(await table("a b\n1 2", { delimiter: " " }).rows()).toEqual([
    ["a", "b"],
    ["1", "2"],
  ]);
  const tsv = table("a,b\tc\n1,5\t2", { mimeType: "text/tab-separated-values" });
  expect(await tsv.rows()).toEqual([
    ["a,b", "c"],
    ["1,5", "2"],
  ]);
  expect(await tsv.toProviderFormat("huggingface")).toMatchObject({ type: "tabular", delimiter: "\t" });
  expect(await tsv.metadata()).toMatchObject({ rowCount: 2, columnCount: 2 });
});

test("refuses what is no table", async () => {
  await expect(table("").text()).rejects.toThrow("it has no rows");
  await expect(table('a,b\n"open,1\n').text()).rejects.toThrow(
    "the quotes that row 2 opens are never closed",
  );
});

test("refuses a table that a long row would blow up", async () => {
  const wide = `${",".repeat(10_000)}x\n`;
  await expect(table(wide + "1\n".repeat(1000)).text()).rejects.toThrow("more than 5000000 cells");
});
