/** What models were trained to find before a text, by what the text is. */
import { InvalidArgumentError, MlxError } from "../errors.ts";

/** What a text is in a search. */
export type InputType = "query" | "document";

/** The prompts of a model. */
export interface TextPrompts {
  /** By name. */
  readonly named: Readonly<Record<string, string>>;
  /** What stands before texts of no stated type. */
  readonly standard: string;
}

/** No prompts at all. */
export const noPrompts: TextPrompts = { named: {}, standard: "" };

/** Names that repositories have for the prompt of each type, the usual one first. */
const NAMES: Readonly<Record<InputType, readonly string[]>> = {
  query: ["query", "web_search_query", "s2p_query"],
  document: ["document", "passage", "corpus"],
};

/** Prompts of queries with a place for what they ask for: Qwen's and E5's, and EmbeddingGemma's. */
const INSTRUCTIONS = [/^(Instruct: ?).*?(\n ?Query: ?)$/s, /^(task: ?).*?( ?\| query: ?)$/s];

const promptOf = ({ named }: TextPrompts, type: InputType): string | undefined => {
  const name = NAMES[type].find((candidate) => Object.hasOwn(named, candidate));
  return name === undefined ? undefined : named[name];
};

/** The types that a model tells apart; both, or none. */
export const inputTypes = (prompts: TextPrompts): readonly InputType[] => {
  const isKnown = promptOf(prompts, "query") !== undefined || promptOf(prompts, "document") !== undefined;
  return isKnown ? ["query", "document"] : [];
};

/** Whether a query's prompt has a place for an instruction. */
export const takesInstruction = (prompts: TextPrompts): boolean => {
  const prompt = promptOf(prompts, "query");
  return prompt !== undefined && INSTRUCTIONS.some((pattern) => pattern.test(prompt));
};

const refuse = (feature: string, message: string): MlxError =>
  new MlxError("unsupported-feature", message, { details: { feature } });

const instructed = (prompts: TextPrompts, instruction: string): string => {
  const prompt = promptOf(prompts, "query") ?? "";
  const pattern = INSTRUCTIONS.find((candidate) => candidate.test(prompt));
  if (pattern === undefined) {
    const message = "The model's prompts have no place for an instruction; leave it out";
    throw refuse("instruction", message);
  }
  return prompt.replace(pattern, (_, before: string, after: string) => before + instruction + after);
};

/**
 * What stands before a text.
 *
 * @param type - what the text is. Default: `query` with an instruction, else nothing in particular
 * @param instruction - what queries ask for, instead of what the model's own prompt says
 * @throws {MlxError} `unsupported-feature` where the model's prompts do not know the type, or have no place for one
 * @throws {InvalidArgumentError} for an instruction for documents
 */
export const choosePrompt = (
  prompts: TextPrompts,
  { type, instruction }: { type?: InputType | undefined; instruction?: string | undefined },
): string => {
  if (instruction !== undefined) {
    if (type === "document")
      throw new InvalidArgumentError("An instruction is for queries, not for documents");
    return instructed(prompts, instruction);
  }
  if (type === undefined) return prompts.standard;
  if (inputTypes(prompts).length === 0) {
    const message =
      `The model's files have no prompts that tell queries from documents; leave out inputType, and put what the ` +
      "model's description asks for before the texts";
    throw refuse("input_type", message);
  }
  return promptOf(prompts, type) ?? "";
};
