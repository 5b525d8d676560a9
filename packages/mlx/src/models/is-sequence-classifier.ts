/** Whether a parsed `config.json` is of a model with a head that sorts texts, or pairs of them, into classes. */
export const isSequenceClassifier = ({ architectures }: Readonly<Record<string, unknown>>): boolean =>
  Array.isArray(architectures) && /ForSequenceClassification$/.test(String(architectures[0]));
