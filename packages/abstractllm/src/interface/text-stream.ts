import type { StreamPart } from "./stream-part.ts";

/** Pieces of text: to iterate, or to pipe as a web stream. */
export type TextStream = ReadableStream<string> & AsyncIterable<string>;

/**
 * The text of an answer, piece by piece. An `error` part becomes the stream's error; cancelling it leaves the parts.
 *
 * Parts are taken when the text is read, so that a slow reader holds nothing but the parts themselves.
 */
export function textStreamOf(parts: AsyncIterable<StreamPart>): TextStream {
  let iterator: AsyncIterator<StreamPart> | undefined;
  const take = () => {
    iterator ??= parts[Symbol.asyncIterator]();
    return iterator;
  };
  return new ReadableStream<string>(
    {
      async pull(controller) {
        const text = await nextText(take());
        if (text === undefined) controller.close();
        else controller.enqueue(text);
      },
      async cancel() {
        await take().return?.();
      },
    },
    { highWaterMark: 0 },
  );
}

async function nextText(parts: AsyncIterator<StreamPart>): Promise<string | undefined> {
  for (;;) {
    const { done, value: part } = await parts.next();
    if (done === true) return undefined;
    if (part.type === "error") throw part.error;
    if (part.type === "text-delta" && part.text !== "") return part.text;
  }
}
