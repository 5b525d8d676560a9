/** Calls as grammars, for engines that hold a model to them. */
export { type Grammar, type HeldPart, listOf, optional } from "./grammar.ts";
export { type ParameterwiseForm, parameterwise } from "./parameterwise.ts";
export { jsonArguments, parametersOf, resolve, type ToolParameter } from "./tool-parameters.ts";
export { UnheldSchema } from "./unheld-schema.ts";
