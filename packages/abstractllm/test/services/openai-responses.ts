import { jsonAnswer, type WireAnswer } from "./http-service.ts";
import { answerAsToy, type ToyAnswer } from "./toy-model.ts";
import { wireLogprob } from "./wire-logprobs.ts";
import { countWords, ENDLESS_TOKENS } from "./word-model.ts";

const CREATED = 1_750_000_000;

interface Item {
  role?: string;
  type?: string;
  content?: unknown;
  output?: string;
  name?: string;
}

interface ResponsesBody {
  model?: string;
  input?: string | Item[];
  stream?: boolean;
  include?: string[];
  top_logprobs?: number;
  temperature?: number;
  max_output_tokens?: number;
  tools?: { name: string; parameters: Record<string, unknown> }[];
  tool_choice?: "auto" | "none" | "required" | { name: string };
  text?: { format?: { schema?: Record<string, unknown> } };
  reasoning?: { summary?: string };
}

/** `/v1/responses`. */
export function createResponse(body: ResponsesBody): WireAnswer {
  const { input = [], tool_choice, model = "" } = body;
  if (asksForLogprobs(body) && model.startsWith("gpt-5")) {
    const message = "logprobs are not supported with reasoning models.";
    const type = "invalid_request_error";
    return jsonAnswer({ error: { message, type, param: "include", code: "unsupported_parameter" } }, 400);
  }
  const texts = textsOf(input);
  const answer = answerAsToy({
    prompt: promptOf(texts),
    last: texts.at(-1) ?? { role: "", text: "" },
    maxTokens: body.max_output_tokens,
    temperature: body.temperature,
    tools: body.tools,
    toolChoice: tool_choice,
    schema: body.text?.format?.schema,
  });
  const output = outputOf(body, answer);
  const isCut = answer.reason === "length";
  const response = {
    id: "resp_1",
    object: "response",
    created_at: CREATED,
    status: isCut ? "incomplete" : "completed",
    error: null,
    incomplete_details: isCut ? { reason: "max_output_tokens" } : null,
    model,
    output,
    parallel_tool_calls: true,
    tools: body.tools ?? [],
    usage: usageOf(answer),
  };
  if (body.stream !== true) return jsonAnswer(response);
  return streamResponse(body, response, answer, countWords(promptOf(texts)));
}

const asksForLogprobs = ({ include = [] }: ResponsesBody) => include.includes("message.output_text.logprobs");

const logprobsOf = (body: ResponsesBody, tokens: readonly string[]) =>
  asksForLogprobs(body) ? tokens.map((token) => wireLogprob(token, body.top_logprobs ?? 0)) : [];

/** `/v1/responses/input_tokens`. */
export function countResponseInput({ input = [] }: ResponsesBody): WireAnswer {
  return jsonAnswer({ object: "response.input_tokens", input_tokens: countWords(promptOf(textsOf(input))) });
}

function textsOf(input: string | readonly Item[]): { role: string; text: string }[] {
  if (typeof input === "string") return [{ role: "user", text: input }];
  return input
    .filter(({ type }) => type !== "reasoning")
    .map(({ role, type, content, output, name }) => {
      if (type === "function_call_output") return { role: "tool", text: output ?? "" };
      if (type === "function_call") return { role: "assistant", text: name ?? "" };
      const parts = content as string | { text?: string }[];
      const text = typeof parts === "string" ? parts : parts.map((part) => part.text ?? "[image]").join("");
      return { role: role ?? "", text };
    });
}

const promptOf = (texts: readonly { role: string; text: string }[]) =>
  texts.map(({ role, text }) => `${role}: ${text}`).join("\n");

type OutputItem = Record<string, unknown> & { id: string; type: string };

function outputOf(body: ResponsesBody, answer: ToyAnswer): OutputItem[] {
  const { include = [], reasoning } = body;
  const text = answer.tokens.join("");
  const logprobs = logprobsOf(body, answer.tokens);
  const thought: OutputItem = {
    id: "rs_1",
    type: "reasoning",
    summary: reasoning?.summary === undefined ? [] : [{ type: "summary_text", text: "Thinking. Done." }],
    ...(include.includes("reasoning.encrypted_content") ? { encrypted_content: "gAAAAsecret" } : {}),
  };
  const message: OutputItem = {
    id: "msg_1",
    type: "message",
    status: "completed",
    role: "assistant",
    content: [{ type: "output_text", text, annotations: [], logprobs }],
  };
  const calls = answer.toolCalls.map(
    ({ name, arguments: input }, index): OutputItem => ({
      id: `fc_${index}`,
      type: "function_call",
      status: "completed",
      call_id: `call_${index}_${CREATED}`,
      name,
      arguments: JSON.stringify(input),
    }),
  );
  return [thought, ...(calls.length > 0 ? calls : [message])];
}

function streamResponse(
  body: ResponsesBody,
  response: { output: OutputItem[]; status: string },
  answer: ToyAnswer,
  wordCount: number,
): WireAnswer {
  let sequence_number = 0;
  const event = (type: string, fields: object) =>
    `event: ${type}\ndata: ${JSON.stringify({ type, sequence_number: sequence_number++, ...fields })}\n\n`;
  const begun = { ...response, status: "in_progress", output: [], usage: null };
  const head = [
    event("response.created", { response: begun }),
    event("response.in_progress", { response: begun }),
  ];
  const steps = response.output.flatMap((item, output_index) =>
    itemEvents(body, event, item, output_index, answer),
  );
  const isEndless = answer.tokens.length === ENDLESS_TOKENS;
  return {
    status: 200,
    headers: { "content-type": "text/event-stream; charset=utf-8", "x-request-id": "req_test" },
    body: [
      ...(wordCount > 30 ? [{ pauseMs: 200 }] : []), // a long prompt takes its time
      head.join(""),
      ...steps.flatMap((step) => (isEndless ? [step, { pauseMs: 2 }] : [step])),
      event(`response.${response.status}`, { response }),
    ],
  };
}

/** The events of one item; those around its deltas come with the first and the last of them. */
function itemEvents(
  body: ResponsesBody,
  event: (type: string, fields: object) => string,
  item: OutputItem,
  output_index: number,
  { tokens }: ToyAnswer,
): string[] {
  const place = { item_id: item.id, output_index };
  const within = (added: object, events: () => string[]) => {
    const start = event("response.output_item.added", { output_index, item: added });
    const [first = "", ...others] = events();
    const end = event("response.output_item.done", { output_index, item });
    return [start + first, ...others].map((text, index, all) =>
      index === all.length - 1 ? text + end : text,
    );
  };
  if (item.type === "message") {
    const content = { ...place, content_index: 0 };
    const part = { type: "output_text", text: "", annotations: [], logprobs: [] };
    return within({ ...item, status: "in_progress", content: [] }, () => {
      const start = event("response.content_part.added", { ...content, part });
      const [first = "", ...others] = tokens.map((delta) =>
        event("response.output_text.delta", { ...content, delta, logprobs: logprobsOf(body, [delta]) }),
      );
      return [start + first, ...others];
    });
  }
  if (item.type === "function_call") {
    const pieces = String(item.arguments).match(/.{1,5}/gsu) ?? [];
    return within({ ...item, status: "in_progress", arguments: "" }, () => [
      ...pieces.map((delta) => event("response.function_call_arguments.delta", { ...place, delta })),
      event("response.function_call_arguments.done", {
        ...place,
        name: item.name,
        arguments: item.arguments,
      }),
    ]);
  }
  const hasSummary = (item.summary as unknown[]).length > 0;
  const summary = { ...place, summary_index: 0 };
  return [
    within({ ...item, summary: [] }, () =>
      hasSummary
        ? [
            event("response.reasoning_summary_part.added", {
              ...summary,
              part: { type: "summary_text", text: "" },
            }),
            ...["Thinking. ", "Done."].map((delta) =>
              event("response.reasoning_summary_text.delta", { ...summary, delta }),
            ),
          ]
        : [],
    ).join(""),
  ];
}

function usageOf({ inputTokens, tokens, toolCalls }: ToyAnswer) {
  const output_tokens = tokens.length + toolCalls.length;
  return {
    input_tokens: inputTokens,
    input_tokens_details: { cached_tokens: 0 },
    output_tokens,
    output_tokens_details: { reasoning_tokens: 0 },
    total_tokens: inputTokens + output_tokens,
  };
}
