/** Calls as grammars, for engines that hold a model to them. */
export { type Grammar, type HeldPart, listOf, optional } from "./grammar.ts";
export { inOrder } from "./in-order.ts";
export { type ParameterwiseForm, parameterwise } from "./parameterwise.ts";
export {
  definitionsOf,
  jsonArguments,
  parametersOf,
  resolve,
  type ToolParameter,
} from "./tool-parameters.ts";
export { UnheldSchema } from "./unheld-schema.ts";
export { choicesOf } from "./value-choices.ts";
export { anyText, textForms, type ValueStyle } from "./written-value.ts";
