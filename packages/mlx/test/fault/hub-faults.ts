import { type FakeExchange, type Fault, refuse, sendRange } from "./hub-fake.ts";

type Where = (exchange: FakeExchange) => boolean;

/** GET requests for the bytes of a file, at the hub or the CDN. */
export const onBytes =
  (file: string): Where =>
  (exchange) =>
    exchange.file === file && exchange.request.method === "GET" && isSource(exchange);

/** HEAD requests for a file. */
export const onHead =
  (file: string): Where =>
  (exchange) =>
    exchange.file === file && exchange.request.method === "HEAD";

export const onListing: Where = ({ route }) => route === "listing";

// the hub's answer for a large file is only a redirect
function isSource({ route, content }: FakeExchange): boolean {
  return route === "cdn" || (route === "file" && content.length < 1000);
}

/** The first `times` matching requests go wrong. */
export function fault(where: Where, times: number, act: (exchange: FakeExchange) => void): Fault {
  let left = times;
  return (exchange) => {
    if (left === 0 || !where(exchange)) return false;
    left -= 1;
    act(exchange);
    return true;
  };
}

export const status =
  (code: number, headers: Readonly<Record<string, string>> = {}) =>
  ({ response }: FakeExchange) => {
    for (const [name, value] of Object.entries(headers)) response.setHeader(name, value);
    refuse(response, code);
  };

/** Sends the answer it should, up to byte `at` of the body, and cuts the connection. */
export const resetAt =
  (at: number) =>
  ({ request, response, content }: FakeExchange) => {
    const start = Number(/^bytes=(\d+)-/.exec(request.headers.range ?? "")?.[1] ?? 0);
    if (start > 0) {
      response.statusCode = 206;
      response.setHeader("content-range", `bytes ${start}-${content.length - 1}/${content.length}`);
    }
    response.setHeader("content-length", content.length - start);
    response.flushHeaders();
    // the bytes must be on their way before the cut
    response.write(content.subarray(start, start + at), () => response.destroy());
    if (at === 0) response.destroy();
  };

/** Answers 200 with the whole file whatever was asked. */
export const ignoreRange = ({ request, response, content }: FakeExchange) => {
  delete request.headers.range;
  sendRange(request, response, content);
};

/** Answers 206 from another position than was asked for. */
export const wrongRange = ({ response, content }: FakeExchange) => {
  response.statusCode = 206;
  response.setHeader("content-range", `bytes 5-${content.length - 1}/${content.length}`);
  response.end(content.subarray(5));
};

/** Says and sends less than there is. */
export const shortBody =
  (bytes: number) =>
  ({ response, content }: FakeExchange) => {
    response.setHeader("content-length", bytes);
    response.end(content.subarray(0, bytes));
  };

/** Sends more than there is. */
export const longBody = ({ response, content }: FakeExchange) => {
  response.end(Buffer.concat([content, Buffer.from("more")]));
};

/** Sends other bytes of the same length. */
export const otherBytes =
  (etag?: string) =>
  ({ request, response, content }: FakeExchange) => {
    if (etag !== undefined) response.setHeader("etag", etag);
    const other = Buffer.from(content.map((byte) => byte ^ 1));
    sendRange(request, response, other);
  };

/** Never answers. */
export const hang = () => {};

/** Sends the first bytes and then nothing. */
export const stallAt =
  (bytes: number) =>
  ({ response, content }: FakeExchange) => {
    response.setHeader("content-length", content.length);
    response.write(content.subarray(0, bytes));
  };

/** Sends a few bytes at a time. */
export const drip =
  (bytes: number, everyMs: number) =>
  ({ response, content }: FakeExchange) => {
    response.setHeader("content-length", content.length);
    let sent = 0;
    const timer = setInterval(() => {
      response.write(content.subarray(sent, sent + bytes));
      sent += bytes;
      if (sent < content.length) return;
      clearInterval(timer);
      response.end();
    }, everyMs);
    response.on("close", () => clearInterval(timer));
  };

export const redirectTo =
  (location: string) =>
  ({ response }: FakeExchange) => {
    response.setHeader("location", location);
    refuse(response, 302);
  };
