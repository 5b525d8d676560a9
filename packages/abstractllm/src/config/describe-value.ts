/** Longer strings may be prompts; their beginning is enough to recognise a slip. */
const SHOWN_CHARACTERS = 40;

/** A value as error messages show it: its type, and the value itself where that is short and says something. */
export function describeValue(value: unknown): string {
  if (value === null) return "null";
  if (Array.isArray(value)) return `array of ${value.length}`;
  switch (typeof value) {
    case "string": {
      const shown = value.length > SHOWN_CHARACTERS ? `${value.slice(0, SHOWN_CHARACTERS)}…` : value;
      return `string ${JSON.stringify(shown)}`;
    }
    case "number":
    case "boolean":
    case "bigint":
      return `${typeof value} ${value}`;
    default:
      return typeof value;
  }
}
