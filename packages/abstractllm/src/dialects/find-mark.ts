/** The first of the marks in a text; of those that begin there the longest. */
export function findMark(
  text: string,
  marks: readonly string[],
  from = 0,
): { readonly mark: string; readonly start: number; readonly end: number } | undefined {
  let best: { mark: string; start: number; end: number } | undefined;
  for (const mark of marks) {
    const start = text.indexOf(mark, from);
    if (start < 0 || (best !== undefined && start > best.start)) continue;
    if (best !== undefined && start === best.start && mark.length < best.mark.length) continue;
    best = { mark, start, end: start + mark.length };
  }
  return best;
}

/** How many characters at the end of a text could be the beginning of a mark. */
export function pendingLength(text: string, marks: readonly string[]): number {
  let longest = 0;
  for (const mark of marks) {
    for (let length = Math.min(mark.length - 1, text.length); length > longest; length--) {
      if (text.endsWith(mark.slice(0, length))) longest = length;
    }
  }
  return longest;
}

/** The first match at or behind a place. @param expression - with the flag `g` */
export function matchFrom(expression: RegExp, text: string, from: number): RegExpExecArray | undefined {
  expression.lastIndex = from;
  return expression.exec(text) ?? undefined;
}
