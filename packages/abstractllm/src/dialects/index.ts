export { createAnswerReader, marksOf } from "./answer-reader.ts";
export { dialectOf } from "./dialect-table.ts";
export { UnheldSchema } from "./grammar/index.ts";
export { forcedCall, heldCalls } from "./hold-calls.ts";
export { choiceText, choiceWarnings, chosenTools } from "./tool-choice.ts";
export { usedCallIds } from "./used-call-ids.ts";
export { promptTools } from "./with-prompted-tools.ts";
