import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import {
  type ScriptedModel,
  scriptedTokens,
  stepsOf,
  tokenizerOf,
  UNKNOWN_AND_END,
} from "./scripted-model.ts";

/** ONNX's numbers for the types of elements. */
const FLOAT = 1;
const INT64 = 7;

/** Writes the same model as an ONNX graph: one table, from each token to the logits of the next. */
export async function writeScriptedOnnx(folder: string, script: ScriptedModel): Promise<void> {
  const tokens = scriptedTokens(script);
  await mkdir(join(folder, "onnx"), { recursive: true });
  const write = (name: string, content: object) => writeFile(join(folder, name), JSON.stringify(content));
  await write("config.json", {
    model_type: "llama",
    architectures: ["LlamaForCausalLM"],
    hidden_size: 4,
    num_hidden_layers: 1,
    num_attention_heads: 1,
    num_key_value_heads: 1,
    vocab_size: tokens.length,
    max_position_embeddings: 4096,
    eos_token_id: 1,
  });
  await write("generation_config.json", { eos_token_id: 1 });
  await write("tokenizer_config.json", {
    tokenizer_class: "PreTrainedTokenizerFast",
    chat_template: script.chatTemplate,
    unk_token: UNKNOWN_AND_END[0],
    eos_token: UNKNOWN_AND_END[1],
  });
  await write("tokenizer.json", tokenizerOf(tokens, script.specialTokens));
  await writeFile(join(folder, "onnx", "model.onnx"), graphOf(tokens, script));
}

function graphOf(tokens: readonly string[], script: ScriptedModel): Buffer {
  const next = stepsOf(script);
  const table = new Float32Array(tokens.length ** 2);
  for (const [id, token] of tokens.entries()) {
    table[id * tokens.length + tokens.indexOf(next.get(token) ?? UNKNOWN_AND_END[1])] = 10;
  }
  const node = message([1, "table"], [1, "input_ids"], [2, "logits"], [4, "Gather"]);
  const initializer = message(
    [1, tokens.length],
    [1, tokens.length],
    [2, FLOAT],
    [8, "table"],
    [9, Buffer.from(table.buffer)],
  );
  const graph = message(
    [1, node],
    [2, "scripted"],
    [5, initializer],
    [11, infoOf("input_ids", INT64, ["batch", "length"])],
    [12, infoOf("logits", FLOAT, ["batch", "length", tokens.length])],
  );
  return message([1, 8], [7, graph], [8, message([1, ""], [2, 13])]);
}

function infoOf(name: string, type: number, shape: readonly (string | number)[]): Buffer {
  const dims = shape.map((dim): Field => [1, message(typeof dim === "number" ? [1, dim] : [2, dim])]);
  return message([1, name], [2, message([1, message([1, type], [2, message(...dims)])])]);
}

/** A field of a protobuf message: its number, and a varint, a text, or bytes such as another message. */
type Field = readonly [number: number, value: number | string | Uint8Array];

function message(...fields: readonly Field[]): Buffer {
  return Buffer.concat(
    fields.flatMap(([number, value]) => {
      if (typeof value === "number") return [varint(number * 8), varint(value)];
      const bytes = typeof value === "string" ? Buffer.from(value) : value;
      return [varint(number * 8 + 2), varint(bytes.length), bytes];
    }),
  );
}

function varint(value: number): Buffer {
  const bytes: number[] = [];
  for (let rest = value; ; rest >>>= 7) {
    bytes.push(rest > 127 ? (rest & 127) | 128 : rest);
    if (rest <= 127) return Buffer.from(bytes);
  }
}
