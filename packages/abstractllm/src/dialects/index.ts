export { createAnswerReader, marksOf } from "./answer-reader.ts";
export { dialectOf } from "./dialect-table.ts";
export { usedCallIds } from "./used-call-ids.ts";
export { choiceText, choiceWarnings, promptTools } from "./with-prompted-tools.ts";
