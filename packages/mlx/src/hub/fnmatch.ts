/**
 * Python's `fnmatch.fnmatchcase`: `*` also crosses `/`, `?` is one character, `[abc]` and `[!abc]` are sets.
 * A pattern that ends in `/` takes the whole folder, as in `huggingface_hub`.
 */
export function fnmatch(name: string, pattern: string): boolean {
  return toRegExp(pattern.endsWith("/") ? `${pattern}*` : pattern).test(name);
}

function toRegExp(pattern: string): RegExp {
  let source = "";
  for (let i = 0; i < pattern.length; i++) {
    const char = pattern.charAt(i);
    const close = char === "[" ? pattern.indexOf("]", i + (pattern[i + 1] === "!" ? 3 : 2)) : -1;
    if (char === "*") {
      while (pattern[i + 1] === "*") i++;
      source += ".*";
    } else if (char === "?") {
      source += ".";
    } else if (close > 0) {
      source += charSet(pattern.slice(i + 1, close));
      i = close;
    } else {
      source += char.replace(/[\\^$.|?*+()[\]{}/]/, "\\$&");
    }
  }
  return new RegExp(`^${source}$`, "su");
}

function charSet(body: string): string {
  const negated = body.startsWith("!");
  const members = (negated ? body.slice(1) : body).replace(/[\\\]^[]/g, "\\$&");
  return `[${negated ? "^" : ""}${members}]`;
}
