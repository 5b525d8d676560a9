import type { Schema } from "../interface/schema.ts";
import { type Validation, validate } from "./validate.ts";

/** The value that an answer's text holds, checked against its schema; fences and prose around the JSON are passed over. */
export async function readObject(text: string, schema: Schema): Promise<Validation> {
  for (const candidate of candidates(text)) {
    try {
      return await validate(schema, JSON.parse(candidate));
    } catch (error) {
      if (!(error instanceof SyntaxError)) throw error;
    }
  }
  return { issues: ["the answer: is not JSON"] };
}

/** Where the JSON may be: the whole text, a fenced block, from the first bracket to the last. */
function* candidates(text: string): Generator<string> {
  yield text;
  const fence = text.indexOf("```");
  if (fence >= 0) {
    const start = text.indexOf("\n", fence);
    const end = text.lastIndexOf("```");
    if (start >= 0 && end > start) yield text.slice(start, end);
  }
  const start = text.search(/[{[]/);
  const end = Math.max(text.lastIndexOf("}"), text.lastIndexOf("]"));
  if (start >= 0 && end > start) yield text.slice(start, end + 1);
}
