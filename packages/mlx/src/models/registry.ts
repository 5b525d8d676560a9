/** Architectures by `model_type`. Files are imported on first use. */
import { ConfigError, MlxError } from "../errors.ts";
import type { Architecture, BoundArchitecture } from "./architecture.ts";

type Load = () => Promise<{ architecture: Architecture }>;

const deepseekV3: Load = () => import("./deepseek_v3.ts");
const deepseekV41: Load = () => import("./deepseek_v41.ts");
const fastvlm: Load = () => import("./fastvlm.ts");
const idefics3: Load = () => import("./idefics3.ts");
const lfm2VL: Load = () => import("./lfm2_vl.ts");
const llama: Load = () => import("./llama.ts");
const minimax: Load = () => import("./minimax.ts");
const mamba: Load = () => import("./mamba.ts");
const mistral3: Load = () => import("./mistral3.ts");
const phixtral: Load = () => import("./phixtral.ts");

const architectures = new Map<string, Load>([
  ["Klear", () => import("./Klear.ts")],
  ["afm7", () => import("./afm7.ts")],
  ["afmoe", () => import("./afmoe.ts")],
  ["apertus", () => import("./apertus.ts")],
  ["baichuan_m1", () => import("./baichuan_m1.ts")],
  ["bailing_hybrid", () => import("./bailing_hybrid.ts")],
  ["bailing_moe", () => import("./bailing_moe.ts")],
  ["bailing_moe_linear", () => import("./bailing_moe_linear.ts")],
  ["bailing_moe_v3", () => import("./bailing_moe_v3.ts")],
  ["bitnet", () => import("./bitnet.ts")],
  ["cohere", () => import("./cohere.ts")],
  ["cohere2", () => import("./cohere2.ts")],
  ["dbrx", () => import("./dbrx.ts")],
  ["deepseek", () => import("./deepseek.ts")],
  ["deepseek_v2", () => import("./deepseek_v2.ts")],
  ["deepseek_v3", deepseekV3],
  ["deepseek_v32", () => import("./deepseek_v32.ts")],
  ["deepseek_v41", deepseekV41],
  ["deepseek_v41_text", deepseekV41],
  ["deepseekocr", () => import("./deepseekocr.ts")],
  ["dots1", () => import("./dots1.ts")],
  ["ernie4_5", () => import("./ernie4_5.ts")],
  ["ernie4_5_moe", () => import("./ernie4_5_moe.ts")],
  ["exaone", () => import("./exaone.ts")],
  ["exaone4", () => import("./exaone4.ts")],
  ["exaone_moe", () => import("./exaone_moe.ts")],
  ["falcon_h1", () => import("./falcon_h1.ts")],
  ["falcon_mamba", mamba],
  ["fastvlm", fastvlm],
  ["gear", () => import("./gear.ts")],
  ["gemma", () => import("./gemma.ts")],
  ["gemma2", () => import("./gemma2.ts")],
  ["gemma3", () => import("./gemma3.ts")],
  ["gemma3_text", () => import("./gemma3_text.ts")],
  ["gemma3n", () => import("./gemma3n.ts")],
  ["gemma4", () => import("./gemma4.ts")],
  ["gemma4_text", () => import("./gemma4_text.ts")],
  ["gemma4_unified", () => import("./gemma4_unified.ts")],
  ["glm", () => import("./glm.ts")],
  ["glm4", () => import("./glm4.ts")],
  ["glm4_moe", () => import("./glm4_moe.ts")],
  ["glm4_moe_lite", () => import("./glm4_moe_lite.ts")],
  ["glm4v", () => import("./glm4v.ts")],
  ["glm4v_moe", () => import("./glm4v_moe.ts")],
  ["glm_moe_dsa", () => import("./glm_moe_dsa.ts")],
  ["glm_ocr", () => import("./glm_ocr.ts")],
  ["gpt2", () => import("./gpt2.ts")],
  ["gpt_bigcode", () => import("./gpt_bigcode.ts")],
  ["gpt_neox", () => import("./gpt_neox.ts")],
  ["gpt_oss", () => import("./gpt_oss.ts")],
  ["gptj", () => import("./gptj.ts")],
  ["granite", () => import("./granite.ts")],
  ["granitemoe", () => import("./granitemoe.ts")],
  ["granitemoehybrid", () => import("./granitemoehybrid.ts")],
  ["helium", () => import("./helium.ts")],
  ["hunyuan", () => import("./hunyuan.ts")],
  ["hunyuan_v1_dense", () => import("./hunyuan_v1_dense.ts")],
  ["idefics2", () => import("./idefics2.ts")],
  ["idefics3", idefics3],
  ["internlm2", () => import("./internlm2.ts")],
  ["internlm3", () => import("./internlm3.ts")],
  ["internvl_chat", () => import("./internvl_chat.ts")],
  ["iquestcoder", llama],
  ["iquestloopcoder", () => import("./iquestloopcoder.ts")],
  ["jamba", () => import("./jamba.ts")],
  ["joyai_llm_flash", deepseekV3],
  ["kimi_k2", deepseekV3],
  ["kimi_k25", () => import("./kimi_k25.ts")],
  ["kimi_k3", () => import("./kimi_k3.ts")],
  ["kimi_linear", () => import("./kimi_linear.ts")],
  ["kimi_vl", () => import("./kimi_vl.ts")],
  ["laguna", () => import("./laguna.ts")],
  ["lfm2", () => import("./lfm2.ts")],
  ["lfm2-vl", lfm2VL],
  ["lfm2_moe", () => import("./lfm2_moe.ts")],
  ["lfm2_vl", lfm2VL],
  ["lille-130m", () => import("./lille-130m.ts")],
  ["llama", llama],
  ["llama4", () => import("./llama4.ts")],
  ["llama4_text", () => import("./llama4_text.ts")],
  ["llava", () => import("./llava.ts")],
  ["llava_next", () => import("./llava_next.ts")],
  ["llava_onevision", () => import("./llava_onevision.ts")],
  ["llava_qwen2", fastvlm],
  ["longcat_flash", () => import("./longcat_flash.ts")],
  ["longcat_flash_ngram", () => import("./longcat_flash_ngram.ts")],
  ["mamba", mamba],
  ["mamba2", () => import("./mamba2.ts")],
  ["mellum", () => import("./mellum.ts")],
  ["mimo", () => import("./mimo.ts")],
  ["mimo_v2_flash", () => import("./mimo_v2_flash.ts")],
  ["minicpm", () => import("./minicpm.ts")],
  ["minicpm3", () => import("./minicpm3.ts")],
  ["minimax", minimax],
  ["minimax_m2", minimax],
  ["minimax_m3_vl", () => import("./minimax_m3_vl.ts")],
  ["ministral3", () => import("./ministral3.ts")],
  ["mistral", llama],
  ["mistral3", mistral3],
  ["mistral4", () => import("./mistral4.ts")],
  ["mixtral", () => import("./mixtral.ts")],
  ["mllama", () => import("./mllama.ts")],
  ["molmo", () => import("./molmo.ts")],
  ["muse_glimmer", () => import("./muse_glimmer.ts")],
  ["muse_spark", () => import("./muse_spark.ts")],
  ["nanbeige", () => import("./nanbeige.ts")],
  ["nanochat", () => import("./nanochat.ts")],
  ["nemotron", () => import("./nemotron.ts")],
  ["nemotron-nas", () => import("./nemotron-nas.ts")],
  ["nemotron_h", () => import("./nemotron_h.ts")],
  ["olmo", () => import("./olmo.ts")],
  ["olmo2", () => import("./olmo2.ts")],
  ["olmo3", () => import("./olmo3.ts")],
  ["olmo_hybrid", () => import("./olmo_hybrid.ts")],
  ["olmoe", () => import("./olmoe.ts")],
  ["openelm", () => import("./openelm.ts")],
  ["paligemma", () => import("./paligemma.ts")],
  ["phi", () => import("./phi.ts")],
  ["phi-msft", phixtral],
  ["phi3", () => import("./phi3.ts")],
  ["phi3_v", () => import("./phi3_v.ts")],
  ["phi3small", () => import("./phi3small.ts")],
  ["phimoe", () => import("./phimoe.ts")],
  ["phixtral", phixtral],
  ["pixtral", () => import("./pixtral.ts")],
  ["plamo", () => import("./plamo.ts")],
  ["plamo2", () => import("./plamo2.ts")],
  ["plamo3", () => import("./plamo3.ts")],
  ["prism_hadamard_qwen35", () => import("./prism_hadamard_qwen35.ts")],
  ["qwen", () => import("./qwen.ts")],
  ["qwen2", () => import("./qwen2.ts")],
  ["qwen2_5_vl", () => import("./qwen2_5_vl.ts")],
  ["qwen2_moe", () => import("./qwen2_moe.ts")],
  ["qwen2_vl", () => import("./qwen2_vl.ts")],
  ["qwen3", () => import("./qwen3.ts")],
  ["qwen3_5", () => import("./qwen3_5.ts")],
  ["qwen3_5_moe", () => import("./qwen3_5_moe.ts")],
  ["qwen3_moe", () => import("./qwen3_moe.ts")],
  ["qwen3_next", () => import("./qwen3_next.ts")],
  ["qwen3_vl", () => import("./qwen3_vl.ts")],
  ["qwen3_vl_moe", () => import("./qwen3_vl_moe.ts")],
  ["recurrent_gemma", () => import("./recurrent_gemma.ts")],
  ["rwkv7", () => import("./rwkv7.ts")],
  ["seed_oss", () => import("./seed_oss.ts")],
  ["smollm3", () => import("./smollm3.ts")],
  ["smolvlm", idefics3],
  ["solar_open", () => import("./solar_open.ts")],
  ["spark2_5", () => import("./spark2_5.ts")],
  ["stablelm", () => import("./stablelm.ts")],
  ["starcoder2", () => import("./starcoder2.ts")],
  ["step3p5", () => import("./step3p5.ts")],
  ["talkie", () => import("./talkie.ts")],
  ["telechat3", () => import("./telechat3.ts")],
  ["xverse", llama],
  ["youtu_llm", () => import("./youtu_llm.ts")],
]);

/** All registered model types, sorted. */
export const modelTypes = (): string[] => [...architectures.keys()].sort();

/**
 * Adds an architecture, or replaces one, so that checkpoints with this `model_type` load.
 *
 * @example registerArchitecture("my_model", () => import("./my-model.js"));
 */
export const registerArchitecture = (modelType: string, load: Load): void => {
  architectures.set(modelType, load);
};

const editDistance = (a: string, b: string): number => {
  let row = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const substitution = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(substitution, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1));
    }
    row = next;
  }
  return row[b.length] ?? 0;
};

const nearest = (modelType: string): string[] =>
  modelTypes()
    .map((known) => ({
      known,
      distance: known.includes(modelType) || modelType.includes(known) ? 1 : editDistance(known, modelType),
    }))
    .sort((a, b) => a.distance - b.distance)
    .slice(0, 3)
    .map(({ known }) => known);

/** Checkpoints whose `model_type` is another's, by that and an entry of `architectures`. */
const byArchitecture: Readonly<Record<string, string>> = {
  "bailing_hybrid BailingMoeV3ForCausalLM": "bailing_moe_v3",
  "deepseek_vl_v2 DeepseekOCRForCausalLM": "deepseekocr",
};

/** What a config calls its model, as the registry calls it. @throws {ConfigError} when it does not say */
const modelTypeOf = ({ model_type, architectures: names }: Readonly<Record<string, unknown>>): string => {
  if (typeof model_type !== "string") throw new ConfigError("config.json: the key model_type is missing");
  const keys = [names].flat().map((name) => `${model_type} ${String(name)}`);
  const key = keys.find((candidate) => Object.hasOwn(byArchitecture, candidate));
  return (key === undefined ? undefined : byArchitecture[key]) ?? model_type;
};

/**
 * The architecture of a parsed `config.json`, bound to it.
 *
 * @throws {MlxError} `unsupported-architecture` when its `model_type` is not registered
 * @throws {ConfigError} when the config does not fit the architecture
 */
export const resolveArchitecture = async (
  config: Readonly<Record<string, unknown>>,
): Promise<BoundArchitecture> => {
  const modelType = modelTypeOf(config);
  const load = architectures.get(modelType);
  if (load === undefined) {
    throw new MlxError(
      "unsupported-architecture",
      `The architecture ${modelType.slice(0, 60)} is not supported. Near: ${nearest(modelType).join(", ")}. ` +
        "Add your own with registerArchitecture(modelType, load).",
      { details: { modelType, supported: modelTypes() } },
    );
  }
  const { architecture } = await load();
  return architecture.bind(config);
};
