import { STATUS_OF } from "../../http/request-problem.ts";
import type { WriteError } from "../dialect.ts";

/** An error as Ollama writes it. */
export const writeOllamaError: WriteError = ({ kind, message }) => ({
  status: STATUS_OF[kind],
  body: { error: message },
});
