/** Whether the name of a model, the last part of its path, says that it scores documents. */
export const looksLikeReranker = (name: string): boolean =>
  /re-?rank|ms-marco-|cross-?encoder/i.test(name.split(/[\\/]/).at(-1) ?? "");
