export { type Answer, argumentsText, toAnswer } from "./answer.ts";
export { type AnswerPart, AnswerParts } from "./answer-parts.ts";
export { type Answers, mapSome, type Some } from "./answers.ts";
export type { Call } from "./call.ts";
export { cutOffAnswer } from "./cut-off.ts";
