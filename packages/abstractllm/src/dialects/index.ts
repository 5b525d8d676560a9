export { type AnswerReader, createAnswerReader, marksOf } from "./answer-reader.ts";
export { dialectOf } from "./dialect-table.ts";
export type { ReasoningMarks, ToolDialect, WrittenCall } from "./tool-dialect.ts";
export { usedCallIds } from "./used-call-ids.ts";
export { choiceText, promptTools, withPromptedTools } from "./with-prompted-tools.ts";
