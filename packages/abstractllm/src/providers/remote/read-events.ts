import { MAX_LINE_BYTES, readLines } from "./read-lines.ts";
import { WireError } from "./wire-error.ts";

/** One server-sent event. */
export interface ServerEvent {
  /** What its `event` field says. Default `"message"`. */
  readonly type: string;
  readonly data: string;
}

/**
 * The server-sent events of a body.
 *
 * Comments, `id`, `retry`, unknown fields and events without data are passed over; lines of data are joined. An event
 * that the body's end cuts short is handed out too, since some servers leave out the last blank line.
 *
 * @throws {WireError} for an event that is too long
 * @see https://html.spec.whatwg.org/multipage/server-sent-events.html#event-stream-interpretation
 */
export async function* readEvents(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<ServerEvent> {
  let type = "";
  let data: string[] = [];
  let length = 0;
  for await (const line of readLines(chunks)) {
    if (line === "") {
      if (data.length > 0) yield { type: type || "message", data: data.join("\n") };
      type = "";
      data = [];
      length = 0;
      continue;
    }
    const [, field, value = ""] = /^([^:]*)(?:: ?(.*))?$/s.exec(line) ?? [];
    if (field === "event") type = value;
    if (field !== "data") continue;
    data.push(value);
    length += value.length;
    if (length > MAX_LINE_BYTES)
      throw new WireError("protocol", "The service sent an event that is too long");
  }
  if (data.length > 0) yield { type: type || "message", data: data.join("\n") };
}
