/** Whether the name of a model, the last part of its path, says that it makes vectors of texts. */
export const looksLikeEmbeddingModel = (name: string): boolean =>
  /embed|bge-|e5-|gte-|minilm|mpnet/i.test(name.split(/[\\/]/).at(-1) ?? "");
