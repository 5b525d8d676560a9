export { generateObject } from "./generate-object.ts";
export { jsonSchemaOf } from "./json-schema-of.ts";
export { PartialObject } from "./partial-object.ts";
export { readObject } from "./read-object.ts";
export { correctionOf, withSchemaPrompt, withShapePrompt } from "./schema-prompt.ts";
export { validate } from "./validate.ts";
