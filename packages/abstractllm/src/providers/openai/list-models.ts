import type { ListedModel } from "../../interface/listed-model.ts";
import type { ModelCapabilities } from "../../interface/model-capabilities.ts";
import { asArray, asCount, asRecord, asText, type JsonRecord, type RemoteClient } from "../remote/index.ts";

/** Asks `/models`, and reads what servers say beyond OpenAI. */
export async function listModels(client: RemoteClient): Promise<ListedModel[]> {
  const { data } = asRecord(await client.getJson("/models"));
  const entries = asArray(data).map(asRecord);
  return entries.filter(({ id }) => asText(id) !== "").map(toListedModel);
}

function toListedModel(entry: JsonRecord): ListedModel {
  const created = asCount(entry.created);
  const ownedBy = asText(entry.owned_by);
  return {
    id: asText(entry.id),
    ...(created === 0 ? {} : { createdAt: new Date(created * 1000) }),
    ...(ownedBy === "" ? {} : { ownedBy }),
    capabilities: { ...limitsOf(entry), ...abilitiesOf(entry) },
  };
}

/** As vLLM and SGLang, OpenRouter, LM Studio, llama.cpp and each service of Hugging Face write it. */
function limitsOf(entry: JsonRecord): ModelCapabilities {
  const windows = [
    entry.max_model_len,
    entry.context_length,
    entry.max_context_length,
    asRecord(entry.meta).n_ctx_train,
    ...servicesOf(entry).map(({ context_length }) => context_length),
  ];
  const contextWindow = Math.max(...windows.map(asCount));
  const maxOutputTokens = asCount(asRecord(entry.top_provider).max_completion_tokens);
  return {
    ...(contextWindow === 0 ? {} : { contextWindow }),
    ...(maxOutputTokens === 0 ? {} : { maxOutputTokens }),
  };
}

/** As OpenRouter and Hugging Face write it; what they do not mention is not known. */
function abilitiesOf(entry: JsonRecord): ModelCapabilities {
  const modalities = asArray(asRecord(entry.architecture).input_modalities);
  const parameters = asArray(entry.supported_parameters);
  const services = servicesOf(entry);
  const known: [keyof ModelCapabilities, boolean | undefined][] = [
    ["vision", mentions(modalities, "image")],
    ["audio", mentions(modalities, "audio")],
    ["tools", mentions(parameters, "tools") ?? anySays(services, "supports_tools")],
    [
      "structuredOutput",
      mentions(parameters, "structured_outputs") ?? anySays(services, "supports_structured_output"),
    ],
    ["reasoning", mentions(parameters, "reasoning")],
  ];
  return Object.fromEntries(known.filter(([, value]) => value !== undefined));
}

const servicesOf = ({ providers }: JsonRecord): JsonRecord[] => asArray(providers).map(asRecord);

const mentions = (list: readonly unknown[], word: string): boolean | undefined =>
  list.length === 0 ? undefined : list.includes(word);

function anySays(services: readonly JsonRecord[], field: string): boolean | undefined {
  const said = services.map((service) => service[field]).filter((value) => typeof value === "boolean");
  return said.length === 0 ? undefined : said.includes(true);
}
