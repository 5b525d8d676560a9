import { type Fault, jsonAnswer, RESET, STALL, type WireAnswer } from "../services/http-service.ts";

/** What must come of a fault. */
export type Outcome =
  /** The regular answer, after so many retries with these waits in milliseconds (a number, or a range). */
  | { answer: "regular"; waits?: readonly (number | readonly [number, number])[] }
  /** An error of this name; with its other fields, the requests made and whether some text came before. */
  | {
      error: string;
      retryable?: boolean;
      retryAfterMs?: number | undefined;
      requests?: number;
      afterText?: boolean;
      message?: string;
    };

/** A row of the table: faults of the first requests, and the outcome. */
export type FaultRow = readonly [what: string, faults: readonly Fault[], outcome: Outcome];

const FIRST = [375, 500] as const;
const SECOND = [750, 1000] as const;

const error =
  (status: number, headers: Record<string, string> = {}): Fault =>
  () =>
    jsonAnswer({ error: { message: `status ${status}`, type: "some_error" } }, status, headers);

/** Changes the body of the answer. */
const body =
  (change: (body: WireAnswer["body"]) => WireAnswer["body"]): Fault =>
  (answer) => ({ ...answer, body: change(answer.body) });

/** Changes the text of the answer, which is then sent in one piece. */
const text = (change: (text: string) => string | Uint8Array): Fault =>
  body((steps) => [change(steps.filter((step) => typeof step === "string").join(""))]);

const bytes = (steps: WireAnswer["body"]): Uint8Array =>
  Buffer.from(steps.filter((step) => typeof step === "string").join(""));

/** Up to the first byte of the last character that has several. */
const withinLastCharacter = (all: Uint8Array): Uint8Array =>
  all.subarray(0, all.findLastIndex((byte) => byte >= 0xc0) + 1);

/** Faults of any service behind HTTP, whatever it speaks. */
export const HTTP_FAULTS: readonly FaultRow[] = [
  [
    "a reset before the headers, once",
    ["reset"].map(() => () => "reset" as const),
    { answer: "regular", waits: [FIRST] },
  ],
  [
    "a reset before the headers, for ever",
    Array(3).fill(() => "reset"),
    { error: "ProviderConnectionError", retryable: true, requests: 3 },
  ],
  ["a reset after the headers", [body(() => [RESET])], { answer: "regular", waits: [FIRST] }],
  [
    "a web page",
    [
      () => ({
        status: 200,
        headers: { "content-type": "text/html" },
        body: ["<html><title>Sign in</title></html>"],
      }),
    ],
    { error: "ProviderAPIError", retryable: false, requests: 1, message: "web page" },
  ],
  [
    "a web page with status 502, once",
    [
      () => ({
        status: 502,
        headers: { "content-type": "text/html" },
        body: ["<html><title>Bad Gateway</title>"],
      }),
    ],
    { answer: "regular", waits: [FIRST] },
  ],
  ["an empty answer", [body(() => [])], { answer: "regular", waits: [FIRST] }],
  [
    "a redirect in a loop",
    Array(4).fill(() => ({ status: 307, headers: { location: "" }, body: [] })),
    { error: "ProviderAPIError", requests: 4, message: "loop" },
  ],
  [
    "a redirect that changes the method",
    [() => ({ status: 302, headers: { location: "/login" }, body: [] })],
    { error: "ProviderAPIError", requests: 1, message: "redirected (HTTP 302)" },
  ],
  [
    "a redirect without an address",
    [() => ({ status: 307, headers: {}, body: [] })],
    { error: "ProviderAPIError", requests: 1 },
  ],
  ["status 400", [error(400)], { error: "InvalidRequestError", retryable: false, requests: 1 }],
  ["status 401", [error(401)], { error: "AuthenticationError", retryable: false, requests: 1 }],
  ["status 402", [error(402)], { error: "QuotaExceededError", retryable: false, requests: 1 }],
  ["status 403", [error(403)], { error: "AuthenticationError", retryable: false, requests: 1 }],
  ["status 404", [error(404)], { error: "ProviderAPIError", retryable: false, requests: 1 }],
  ["status 408, once", [error(408)], { answer: "regular", waits: [FIRST] }],
  ["status 409, once", [error(409)], { answer: "regular", waits: [FIRST] }],
  ["status 413", [error(413)], { error: "InvalidRequestError", requests: 1 }],
  ["status 422", [error(422)], { error: "InvalidRequestError", requests: 1 }],
  ["status 429 in seconds", [error(429, { "retry-after": "7" })], { answer: "regular", waits: [7000] }],
  [
    "status 429 in parts of a second",
    [error(429, { "retry-after": "0.25" })],
    { answer: "regular", waits: [250] },
  ],
  [
    "status 429 in milliseconds",
    [error(429, { "retry-after-ms": "1500", "retry-after": "9" })],
    { answer: "regular", waits: [1500] },
  ],
  [
    "status 429 with a date",
    [
      (answer) =>
        error(429, { "retry-after": new Date(Date.now() + 30_000).toUTCString() })(answer, {
          method: "",
          path: "",
          query: new URLSearchParams(),
          headers: {},
          body: {},
        }),
    ],
    { answer: "regular", waits: [[25_000, 30_000]] },
  ],
  [
    "status 429 with a date in the past",
    [error(429, { "retry-after": "Wed, 21 Oct 2015 07:28:00 GMT" })],
    { answer: "regular", waits: [0] },
  ],
  [
    "status 429 with a negative wait",
    [error(429, { "retry-after": "-1" })],
    { answer: "regular", waits: [FIRST] },
  ],
  ["status 429 with junk", [error(429, { "retry-after": "soon" })], { answer: "regular", waits: [FIRST] }],
  [
    "status 429 with a wait of years",
    [error(429, { "retry-after": "1000000000" })],
    { error: "QuotaExceededError", retryable: true, retryAfterMs: 86_400_000, requests: 1 },
  ],
  [
    "status 429 for ever",
    [error(429), error(429), error(429)],
    { error: "QuotaExceededError", retryable: true, requests: 3 },
  ],
  ["status 500, twice", [error(500), error(500)], { answer: "regular", waits: [FIRST, SECOND] }],
  [
    "status 500 that says not to retry",
    [error(500, { "x-should-retry": "false" })],
    { error: "ProviderAPIError", retryable: false, requests: 1 },
  ],
  ["status 503 with a wait", [error(503, { "retry-after": "2" })], { answer: "regular", waits: [2000] }],
  ["status 529, once", [error(529)], { answer: "regular", waits: [FIRST] }],
  ["status 501", [error(501)], { error: "ProviderAPIError", retryable: false, requests: 1 }],
  [
    "another failure after the first",
    [error(503), () => "reset"],
    { answer: "regular", waits: [FIRST, SECOND] },
  ],
  [
    "a slow drip of single bytes",
    [body((steps) => [...bytes(steps)].map((byte) => Uint8Array.of(byte)))],
    { answer: "regular" },
  ],
  ["a byte order mark", [text((all) => `\uFEFF${all}`)], { answer: "regular" }],
  ["everything in one piece", [text((all) => all)], { answer: "regular" }],
  ["lines that end with CRLF", [text((all) => all.replaceAll("\n", "\r\n"))], { answer: "regular" }],
  ["no line end at the end", [text((all) => all.trimEnd())], { answer: "regular" }],
  [
    "a reset within a character",
    [body((steps) => [withinLastCharacter(bytes(steps)), RESET])],
    { error: "ProviderConnectionError", retryable: true, requests: 1, afterText: true },
  ],
  ...[3, 5, 8].map(
    (count): FaultRow => [
      `a reset after ${count} messages`,
      [body((steps) => [...steps.slice(0, count), RESET])],
      { error: "ProviderConnectionError", retryable: true, requests: 1, afterText: true },
    ],
  ),
  ...[3, 5, 8].map(
    (count): FaultRow => [
      `an end after ${count} messages`,
      [body((steps) => steps.slice(0, count))],
      { error: "ProviderConnectionError", retryable: true, requests: 1, afterText: true },
    ],
  ),
  [
    "a silence after some messages",
    [body((steps) => [...steps.slice(0, 4), STALL])],
    { error: "RequestTimeoutError", retryable: true, requests: 1, afterText: true },
  ],
  [
    "a silence before the first message",
    [body(() => [STALL])],
    { error: "RequestTimeoutError", retryable: true, requests: 1 },
  ],
];

/** Faults of services that send events. */
export const EVENT_FAULTS: readonly FaultRow[] = [
  ["lines that end with CR", [text((all) => all.replaceAll("\n", "\r"))], { answer: "regular" }],
  [
    "comments and empty events",
    [body((steps) => [": hello\n\n\n\n", ...steps.flatMap((step) => [": ping\n\n", step])])],
    { answer: "regular" },
  ],
  [
    "fields nobody knows",
    [
      body((steps) =>
        steps.map((step) =>
          typeof step === "string" ? `id: 1\nretry: 10\nfoo: bar\nnonsense\n${step}` : step,
        ),
      ),
    ],
    { answer: "regular" },
  ],
  ["no space after the colon", [text((all) => all.replaceAll("data: ", "data:"))], { answer: "regular" }],
  [
    "JSON over several lines of data",
    [
      text((all) =>
        all.replace(/^data: (\{.*\})$/gm, (_, json) =>
          JSON.stringify(JSON.parse(json), null, 1).replace(/^/gm, "data: "),
        ),
      ),
    ],
    { answer: "regular" },
  ],
  [
    "an event that is no JSON",
    [body((steps) => [...steps.slice(0, 4), "data: {nonsense\n\n", ...steps.slice(4)])],
    { error: "ProviderAPIError", retryable: false, requests: 1, afterText: true },
  ],
  [
    "an error in the middle",
    [
      body((steps) => [
        ...steps.slice(0, 4),
        'data: {"error":{"message":"The server had an error","type":"server_error","code":null}}\n\n',
      ]),
    ],
    { error: "ProviderAPIError", retryable: true, requests: 1, afterText: true, message: "had an error" },
  ],
  [
    "an error at the start, once",
    [body(() => ['event: error\ndata: {"error":{"message":"Overloaded","type":"overloaded_error"}}\n\n'])],
    { answer: "regular", waits: [FIRST] },
  ],
  ["no [DONE]", [text((all) => all.replace("data: [DONE]\n\n", ""))], { answer: "regular" }],
  ["two [DONE]", [text((all) => `${all}data: [DONE]\n\n`)], { answer: "regular" }],
  [
    "text after [DONE]",
    [text((all) => `${all}data: {"choices":[{"delta":{"content":"more"}}]}\n\n`)],
    { answer: "regular" },
  ],
  ["silence after [DONE]", [body((steps) => [...steps, STALL])], { answer: "regular" }],
];

/** Faults of services that send a JSON value per line. */
export const LINE_FAULTS: readonly FaultRow[] = [
  ["empty lines", [body((steps) => steps.flatMap((step) => ["\n \n", step]))], { answer: "regular" }],
  [
    "fields nobody knows",
    [text((all) => all.replaceAll('{"model"', '{"extra":{"done":true},"model"'))],
    { answer: "regular" },
  ],
  [
    "a line that is no JSON",
    [body((steps) => [...steps.slice(0, 4), "{nonsense\n", ...steps.slice(4)])],
    { error: "ProviderAPIError", retryable: false, requests: 1, afterText: true },
  ],
  [
    "an error in the middle",
    [
      body((steps) => [
        ...steps.slice(0, 4),
        '{"error":"an error was encountered while running the model"}\n',
      ]),
    ],
    { error: "ProviderAPIError", retryable: false, requests: 1, afterText: true, message: "while running" },
  ],
  [
    "an error at the start",
    [body(() => ['{"error":"model runner has unexpectedly stopped"}\n'])],
    { error: "ProviderAPIError", retryable: false, requests: 1, message: "unexpectedly stopped" },
  ],
  ["lines that end with CR", [text((all) => all.replaceAll("\n", "\r"))], { answer: "regular" }],
];
