import type { AbstractLLM } from "abstractllm";
import type { Call } from "../answer/index.ts";
import type { Operation } from "../dialects/dialect.ts";
import { object } from "../fields/index.ts";
import type { Exchange } from "../http/exchange.ts";
import type { Services } from "./route.ts";
import type { CheckedOptions } from "./server-options.ts";

type ReadOptions = Pick<CheckedOptions, "bodyLimitBytes" | "ignoreFields">;

/** A request's body without the fields that the server was told to pass over. */
export interface ReadBody {
  readonly body: unknown;
  /** What was passed over. */
  readonly notes: readonly string[];
}

/** Reads what a request asks of a model. @throws {RequestProblem} */
export async function readCall<C extends Call>(
  operation: Pick<Operation<C>, "read">,
  exchange: Exchange,
  { options, responses }: Pick<Services, "options" | "responses">,
): Promise<C> {
  const { body, notes } = await readBody(exchange, options);
  const call = operation.read(body, responses);
  return { ...call, notes: [...call.notes, ...notes] };
}

/** Reads a request's body. @throws {RequestProblem} */
export async function readBody(
  exchange: Exchange,
  { bodyLimitBytes, ignoreFields }: ReadOptions,
): Promise<ReadBody> {
  const body = await exchange.readJson(bodyLimitBytes);
  if (!object.accepts(body)) return { body, notes: [] };
  const ignored = ignoreFields.filter((name) => Object.hasOwn(body, name));
  const kept = Object.entries(body).filter(([name]) => !ignored.includes(name));
  return {
    body: Object.fromEntries(kept),
    notes: ignored.map((name) => `${name} was passed over, as the server is told to`),
  };
}

/** Options that many clients always send, and whose 0 asks for nothing. */
const PENALTIES = ["frequencyPenalty", "presencePenalty"] as const;

/** The options of a call, without those that ask for nothing: a model that does not have them would refuse them. */
export function askedOptions({ options }: Call, llm: AbstractLLM): Call["options"] {
  const asked = { ...options };
  for (const name of PENALTIES) {
    if (asked[name] === 0 && (llm.getParam(name) ?? 0) === 0) delete asked[name];
  }
  return asked;
}
