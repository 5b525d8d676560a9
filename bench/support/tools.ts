/** The tools of an assistant, as many as people give one. */

/** A tool as a model is told of it. */
export interface BenchTool {
  readonly name: string;
  readonly parameters: Readonly<Record<string, unknown>>;
}

type Schema = Readonly<Record<string, unknown>>;

const text = { type: "string" };
const flag = { type: "boolean" };
const day = { type: "string", format: "date" };
const moment = { type: "string", format: "date-time" };
const oneOf = (...values: readonly string[]): Schema => ({ enum: values });
const count = (minimum: number, maximum: number): Schema => ({ type: "integer", minimum, maximum });
const listOf = (items: Schema, maxItems = 20): Schema => ({ type: "array", items, maxItems });

/** Of these properties, those are optional whose names end in `?`. */
const object = (properties: Readonly<Record<string, Schema>>): Schema => {
  const names = Object.keys(properties);
  return {
    type: "object",
    properties: Object.fromEntries(names.map((name) => [name.replace("?", ""), properties[name]])),
    required: names.filter((name) => !name.endsWith("?")),
    additionalProperties: false,
  };
};

const tool = (name: string, properties: Readonly<Record<string, Schema>>): BenchTool => ({
  name,
  parameters: object(properties),
});

const person = object({ name: text, email: { type: "string", format: "email" }, "isOptional?": flag });
const address = object({
  street: text,
  city: text,
  zip: { type: "string", pattern: "^[0-9]{4,6}$" },
  country: { type: "string", pattern: "^[A-Z]{2}$" },
});
const amount = object({ value: { type: "number", minimum: 0 }, currency: oneOf("EUR", "USD", "GBP", "JPY") });
const filter = object({
  field: text,
  operator: oneOf("=", "!=", "<", ">", "contains"),
  value: { anyOf: [text, { type: "number" }, flag, { type: "null" }] },
});

/** Twenty, half of them with schemas within schemas. */
export const TOOLS: readonly BenchTool[] = [
  tool("get_weather", { city: text, "unit?": oneOf("C", "F"), "days?": count(1, 14) }),
  tool("get_time", { zone: text }),
  tool("calculate", { expression: text }),
  tool("search_web", { query: text, "site?": text, "since?": day, "limit?": count(1, 50) }),
  tool("read_page", { url: { type: "string", format: "uri" }, "maxLength?": count(1, 100_000) }),
  tool("list_files", { folder: text, "pattern?": text, "recursive?": flag }),
  tool("read_file", { path: text, "from?": count(1, 1_000_000), "to?": count(1, 1_000_000) }),
  tool("write_file", { path: text, content: text, "mode?": oneOf("create", "overwrite", "append") }),
  tool("edit_file", {
    path: text,
    edits: listOf(object({ find: text, replace: text, "all?": flag })),
  }),
  tool("run_command", {
    command: text,
    "arguments?": listOf(text),
    "environment?": { type: "object", additionalProperties: text },
    "timeoutSeconds?": count(1, 600),
  }),
  tool("list_events", { from: moment, to: moment, "calendar?": text }),
  tool("create_event", {
    title: text,
    start: moment,
    end: moment,
    "place?": { anyOf: [address, object({ url: { type: "string", format: "uri" } })] },
    "guests?": listOf(person),
    "repeats?": object({ every: oneOf("day", "week", "month", "year"), "times?": count(1, 366) }),
  }),
  tool("search_mail", { query: text, "folder?": text, "unread?": flag, "since?": day }),
  tool("send_mail", {
    to: listOf(person),
    "cc?": listOf(person),
    subject: text,
    body: text,
    "attachments?": listOf(object({ path: text, "name?": text })),
  }),
  tool("find_contact", { name: text }),
  tool("query_table", {
    table: text,
    columns: listOf(text),
    "where?": listOf(object({ any: listOf(filter) })),
    "orderBy?": listOf(object({ column: text, direction: oneOf("asc", "desc") })),
    "limit?": count(1, 1000),
  }),
  tool("create_order", {
    customer: object({ id: { type: "string", format: "uuid" }, "note?": text }),
    items: listOf(
      object({ sku: { type: "string", pattern: "^[A-Z]{3}-[0-9]{4}$" }, quantity: count(1, 99) }),
    ),
    shipTo: address,
    "billTo?": address,
    "discount?": { anyOf: [amount, object({ percent: { type: "number", minimum: 0, maximum: 100 } })] },
  }),
  tool("track_order", { order: { type: "string", pattern: "^[0-9]{10}$" } }),
  tool("translate", {
    text,
    from: { type: "string", pattern: "^[a-z]{2}$" },
    to: { type: "string", pattern: "^[a-z]{2}$" },
  }),
  tool("remember", { key: text, value: text, "tags?": listOf(text), "expires?": day }),
];
