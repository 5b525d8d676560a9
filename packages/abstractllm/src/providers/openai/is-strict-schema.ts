import type { JsonSchema } from "../../interface/schema.ts";

/**
 * Whether OpenAI can hold answers to a schema strictly: every object names all its properties as required and allows
 * no others. A schema of another kind is taken as advice, and the answer is checked afterwards.
 *
 * @see https://platform.openai.com/docs/guides/structured-outputs#supported-schemas
 */
export function isStrictSchema(schema: JsonSchema): boolean {
  return schema.type === "object" && isStrict(schema);
}

function isStrict(value: unknown): boolean {
  if (Array.isArray(value)) return value.every(isStrict);
  if (typeof value !== "object" || value === null) return true;
  const { type, properties, required, additionalProperties, ...others } = value as Record<string, unknown>;
  const isObject = type === "object" || (Array.isArray(type) && type.includes("object"));
  if (isObject || properties !== undefined) {
    const names = Object.keys(properties ?? {});
    const isComplete = Array.isArray(required) && names.every((name) => required.includes(name));
    if (additionalProperties !== false || (names.length > 0 && !isComplete)) return false;
  }
  return Object.values(properties ?? {}).every(isStrict) && Object.values(others).every(isStrict);
}
