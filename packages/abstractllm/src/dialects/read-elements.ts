/** How a family writes calls as elements. */
export interface ElementNames {
  /** Opens a call up to its name, such as `<invoke`. */
  readonly call: string;
  readonly callEnd: string;
  /** Opens a parameter up to its name. */
  readonly parameter: string;
  readonly parameterEnd: string;
}

/** A call as elements, its parameters as they are written. */
export interface CallElement {
  readonly name: string;
  readonly parameters: readonly { readonly head: string; readonly name: string; readonly text: string }[];
}

/**
 * The calls in a text; a call that breaks off has the parameters that are complete.
 *
 * Names are attributes, `<invoke name="f">`, or follow directly, `<function=f>`, also where the model forgot the `>`.
 */
export function readElements(text: string, names: ElementNames): CallElement[] {
  const calls: CallElement[] = [];
  let at = text.indexOf(names.call);
  while (at >= 0) {
    const head = readHead(text, at + names.call.length);
    const parameters: CallElement["parameters"][number][] = [];
    at = head.end;
    for (;;) {
      const parameter = text.indexOf(names.parameter, at);
      const end = text.indexOf(names.callEnd, at);
      if (parameter < 0 || (end >= 0 && end < parameter)) break;
      const inner = readHead(text, parameter + names.parameter.length);
      const close = text.indexOf(names.parameterEnd, inner.end);
      if (close < 0) {
        at = text.length;
        break;
      }
      parameters.push({ ...inner, text: text.slice(inner.end, close) });
      at = close + names.parameterEnd.length;
    }
    if (head.name !== "") calls.push({ name: head.name, parameters });
    at = text.indexOf(names.call, at);
  }
  return calls;
}

function readHead(text: string, start: number): { head: string; name: string; end: number } {
  if (text[start] === "=") {
    const [whole = "", name = ""] = /^=\s*([^\s<>]*)>?/.exec(text.slice(start, start + 300)) ?? [];
    return { head: name, name, end: start + whole.length };
  }
  const close = text.indexOf(">", start);
  const end = close < 0 ? text.length : close;
  const head = text.slice(start, end);
  const [, double, single, plain = ""] = /\bname\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s"']+))/.exec(head) ?? [];
  return { head, name: double ?? single ?? plain, end: Math.min(end + 1, text.length) };
}
