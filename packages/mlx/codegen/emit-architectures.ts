/** docs/architectures.md: every architecture with what its tests compare, from the goldens themselves. */
import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { readJsonObject } from "../src/load/read-json.ts";
import { encoderTypes } from "../src/models/encoder-types.ts";
import { modelTypes } from "../src/models/registry.ts";
import { ggufSection } from "./emit-gguf-architectures.ts";

/** The model files of mlx-lm 0.32.2, without those that hold shared blocks. */
const MLX_LM =
  `Klear afm7 afmoe apertus baichuan_m1 bailing_hybrid bailing_moe bailing_moe_linear bailing_moe_v3 bitnet cohere
cohere2 dbrx deepseek deepseek_v2 deepseek_v3 deepseek_v32 deepseek_v41 dots1 ernie4_5 ernie4_5_moe exaone exaone4
exaone_moe falcon_h1 gear gemma gemma2 gemma3 gemma3_text gemma3n gemma4 gemma4_text glm glm4 glm4_moe glm4_moe_lite
glm_moe_dsa gpt2 gpt_bigcode gpt_neox gpt_oss gptj granite granitemoe granitemoehybrid helium hunyuan hunyuan_v1_dense
internlm2 internlm3 iquestloopcoder jamba kimi_k25 kimi_k3 kimi_linear kimi_vl laguna lfm2-vl lfm2 lfm2_moe lille-130m
llama llama4 llama4_text longcat_flash longcat_flash_ngram mamba mamba2 mellum mimo mimo_v2_flash minicpm minicpm3
minimax minimax_m3_vl ministral3 mistral3 mistral4 mixtral muse_glimmer muse_spark nanbeige nanochat nemotron-nas
nemotron nemotron_h olmo olmo2 olmo3 olmo_hybrid olmoe openelm phi phi3 phi3small phimoe phixtral pixtral plamo plamo2
plamo3 prism_hadamard_qwen35 qwen qwen2 qwen2_moe qwen2_vl qwen3 qwen3_5 qwen3_5_moe qwen3_moe qwen3_next qwen3_vl
qwen3_vl_moe recurrent_gemma rwkv7 seed_oss smollm3 solar_open spark2_5 stablelm starcoder2 step3p5 talkie telechat3
youtu_llm`.split(/\s+/);

interface Case {
  readonly config: { readonly model_type: string };
  readonly quantized?: readonly unknown[];
  /** Null where Python's caches take no padding. */
  readonly padded?: unknown;
  readonly checkpoints?: readonly unknown[];
}

const publishedGoldens = new URL("../test/goldens/published/", import.meta.url);

/** Checkpoints by `model_type` whose published configurations are tested. */
const publishedByType = (): Map<string, string[]> => {
  const found = new Map<string, string[]>();
  for (const file of readdirSync(publishedGoldens).sort()) {
    const { model, config } = readJsonObject(fileURLToPath(new URL(file, publishedGoldens))) as unknown as {
      model: string;
      config: Case["config"];
    };
    found.set(config.model_type, [...(found.get(config.model_type) ?? []), model]);
  }
  return found;
};

const casesByType = (kind: "models" | "vision"): Map<string, Case[]> => {
  const goldens = new URL(`../test/goldens/${kind}/`, import.meta.url);
  const found = new Map<string, Case[]>();
  for (const file of readdirSync(goldens).sort()) {
    const { cases } = JSON.parse(readFileSync(new URL(file, goldens), "utf8")) as { cases: Case[] };
    for (const one of cases) {
      const type = one.config.model_type;
      found.set(type, [...(found.get(type) ?? []), one]);
    }
  }
  return found;
};

const layoutsOf = (cases: readonly Case[]): number =>
  cases.reduce((sum, { checkpoints = [] }) => sum + checkpoints.length, 0);

const seeingRow = (type: string, cases: readonly Case[]): string =>
  `| \`${type}\` | ${cases.length} | ${layoutsOf(cases)} |`;

const row = (type: string, cases: readonly Case[], published: readonly string[]): string => {
  const layouts = layoutsOf(cases);
  const cells = [
    `\`${type}\``,
    cases.length,
    cases.some(({ quantized = [] }) => quantized.length > 0) ? "yes" : "",
    cases.some(({ padded }) => (padded ?? null) !== null) ? "yes" : "",
    layouts === 0 ? "" : layouts,
    published.join(", "),
  ];
  return `| ${cells.join(" | ")} |`;
};

/** How many models that make vectors are compared, by `model_type`; encoders first. */
const embedderRows = (): string => {
  const path = new URL("../test/goldens/embeddings.json", import.meta.url);
  const { cases } = JSON.parse(readFileSync(path, "utf8")) as {
    cases: readonly { files: { "config.json": Case["config"] } }[];
  };
  const types = cases.map(({ files }) => files["config.json"].model_type);
  const isEncoder = (type: string) => encoderTypes.some((each) => each === type);
  const ordered = [...encoderTypes, ...new Set(types.filter((type) => !isEncoder(type)))];
  return ordered
    .map((type) => `| \`${type}\` | ${types.filter((each) => each === type).length || ""} |`)
    .join("\n");
};

/** The page's text. */
export const architecturesPage = (): string => {
  const cases = casesByType("models");
  const published = publishedByType();
  const seeing = casesByType("vision");
  const all = modelTypes();
  const types = all.filter((type) => cases.has(type));
  const missing = MLX_LM.filter((type) => !types.includes(type));
  const known = missing.length === 0 ? "all" : `${MLX_LM.length - missing.length} of the`;
  return `# Architectures

<!-- written by \`npm run generate\` from the registry and the goldens -->

${all.length} values of \`model_type\` load, among them ${known} ${MLX_LM.length} model files of mlx-lm 0.32.2; the others are other names for them, or models that see and that mlx-lm does not have.
Each is held to what Python mlx-lm computes in float32, within 2e-5 of the largest logit, with the same most likely token
at every position:

- **configurations**: how many tiny models with random weights are compared, each over the whole prompt at once, prompt
  and single steps, uneven chunks, and a batch of two; and each of these with our own run without a cache;
- **quantized**: 4 and 8 bits in groups of 32 and 64 are compared as well;
- **padded**: a batch of rows of different lengths is compared as well. Where the column is empty, mlx-lm's caches have
  no such batches, and rows are compared with our own single runs;
- **layouts**: how many layouts of repositories (transformers', converted ones) \`sanitize\` fits to the model, compared
  byte by byte;
- **published**: checkpoints whose published \`config.json\` parses with no key unknown that could change the logits, and
  whose parameters, counted without weights, are as many as in mlx-lm and as their publisher states, where they do.

\`npm test -- packages/mlx/test/parity/models.test.ts -t "'llama'"\` checks one.

| \`model_type\` | configurations | quantized | padded | layouts | published |
| --- | --- | --- | --- | --- | --- |
${types.map((type) => row(type, cases.get(type) ?? [], published.get(type) ?? [])).join("\n")}

## Models that see

${seeing.size} values of \`model_type\` take images, where a checkpoint has the weights of its vision tower; without them
it loads as a model of text alone. Each is held to Python mlx-vlm 0.7.10, within 1e-4: input embeddings of a prompt with
images, its logits, and those of single steps after it, for several tiny models with random weights; and to itself over
stretches of a prompt of any length. See [Images](vision.md).

| \`model_type\` | configurations | layouts |
| --- | --- | --- |
${[...seeing.keys()]
  .sort()
  .map((type) => seeingRow(type, seeing.get(type) ?? []))
  .join("\n")}

## Models that make vectors

Encoders, which write no text, and any decoder above whose blocks are under \`model\`. Each kind is held to
sentence-transformers 6.2 in float32, within 1e-5 of the largest number, over tiny models with random weights. See
[Vectors of texts](embeddings.md). \`camembert\` is another name of \`roberta\`. Which of them rerank: [Documents in order](rerank.md).

| \`model_type\` | configurations |
| --- | --- |
${embedderRows()}

${missing.length === 0 ? "" : `Not yet here: ${missing.map((type) => `\`${type}\``).join(", ")}.\n\n`}One of your own: [An architecture of your own](low-level.md#an-architecture-of-your-own).

${ggufSection()}`;
};
