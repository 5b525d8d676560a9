import type { ListedModel } from "../../interface/listed-model.ts";
import type { ModelCapabilities } from "../../interface/model-capabilities.ts";
import { asArray, asCount, asRecord, asText, type JsonRecord, type RemoteClient } from "../remote/index.ts";

/** The most that the service puts on a page. */
const PAGE_SIZE = 1000;

/** Asks for all pages of models. */
export async function listModels(client: RemoteClient): Promise<ListedModel[]> {
  const models: ListedModel[] = [];
  let after = "";
  for (;;) {
    const next = after === "" ? "" : `&after_id=${encodeURIComponent(after)}`;
    const page = asRecord(await client.getJson(`/v1/models?limit=${PAGE_SIZE}${next}`));
    models.push(...asArray(page.data).map(asRecord).map(toListedModel));
    const last = asText(page.last_id);
    if (page.has_more !== true || last === "" || last === after) return models;
    after = last;
  }
}

function toListedModel(entry: JsonRecord): ListedModel {
  const created = Date.parse(asText(entry.created_at));
  return {
    id: asText(entry.id),
    ...(created > 0 ? { createdAt: new Date(created) } : {}), // the epoch stands for a date that is not known
    ownedBy: "anthropic",
    capabilities: capabilitiesOf(entry),
  };
}

function capabilitiesOf(entry: JsonRecord): ModelCapabilities {
  const said = asRecord(entry.capabilities);
  const isSupported = (name: string) => asRecord(said[name]).supported;
  const known: [keyof ModelCapabilities, unknown][] = [
    ["contextWindow", asCount(entry.max_input_tokens) || undefined],
    ["maxOutputTokens", asCount(entry.max_tokens) || undefined],
    ["vision", isSupported("image_input")],
    ["structuredOutput", isSupported("structured_outputs")],
    ["reasoning", isSupported("thinking")],
  ];
  return Object.fromEntries(known.filter(([, value]) => value !== undefined));
}
