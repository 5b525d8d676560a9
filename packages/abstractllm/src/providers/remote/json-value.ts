/** An object of foreign JSON, whose fields are anything. */
export type JsonRecord = Readonly<Record<string, unknown>>;

/** Foreign JSON as an object; anything else is an empty one. */
export function asRecord(value: unknown): JsonRecord {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? (value as JsonRecord) : {};
}

/** Foreign JSON as an array; anything else is an empty one. */
export function asArray(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

/** Foreign JSON as text; anything else is empty. */
export function asText(value: unknown): string {
  return typeof value === "string" ? value : "";
}

/** Foreign JSON as a count; anything else is 0. */
export function asCount(value: unknown): number {
  return typeof value === "number" && Number.isFinite(value) && value > 0 ? value : 0;
}
