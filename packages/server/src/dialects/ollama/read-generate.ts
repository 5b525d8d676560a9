import { readFields } from "../../fields/index.ts";
import { RequestProblem } from "../../http/request-problem.ts";
import { setOptions } from "../set-options.ts";
import { commonOptions, type OllamaCall, stayOf } from "./ollama-call.ts";
import { GENERATE_FIELDS } from "./ollama-fields.ts";
import { withImages } from "./read-chat.ts";

/** Reads the body of `/api/generate`. @throws {RequestProblem} naming the field */
export function readGenerate(body: unknown): OllamaCall {
  const fields = readFields(body, GENERATE_FIELDS);
  const { prompt = "", images, system, raw = false } = fields;
  if (raw && (images !== undefined || system !== undefined)) {
    const message = "raw sends the prompt as it is, so that system and images have no place";
    throw new RequestProblem("invalid", message, { param: "raw" });
  }
  return {
    model: fields.model,
    prompt: raw ? prompt : [{ role: "user", content: withImages(prompt, images, "the body") }],
    options: setOptions({
      ...commonOptions(fields),
      systemPrompt: system,
      chatTemplate: raw ? false : undefined,
    }),
    isStreamed: fields.stream !== false,
    isSingleCall: false,
    ...stayOf(prompt !== "" || (images ?? []).length > 0, fields.keep_alive),
    notes: [],
  };
}
