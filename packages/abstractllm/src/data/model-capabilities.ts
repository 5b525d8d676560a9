import type { ModelCapabilities } from "../interface/model-capabilities.ts";

/** A row: the names it is about (lower case, without organization), what is known, and where that is published. */
export type CapabilityRow = readonly [name: RegExp, known: ModelCapabilities, source: string];

const OPENAI = "https://platform.openai.com/docs/models";
const ANTHROPIC = "https://platform.claude.com/docs/en/about-claude/models/overview";
const GOOGLE = "https://ai.google.dev/gemini-api/docs/models";
const hub = (repository: string) => `https://huggingface.co/${repository}`;

/** Models of OpenAI that think before they answer. */
const THINKER: ModelCapabilities = {
  contextWindow: 400_000,
  maxOutputTokens: 128_000,
  vision: true,
  tools: true,
  structuredOutput: true,
  reasoning: true,
};
const O_SERIES: ModelCapabilities = { ...THINKER, contextWindow: 200_000, maxOutputTokens: 100_000 };
/** Models of OpenAI that answer at once. */
const TALKER: ModelCapabilities = {
  ...THINKER,
  contextWindow: 128_000,
  maxOutputTokens: 16_384,
  reasoning: false,
};
/** The first models of OpenAI, which know no schema. */
const EARLY: ModelCapabilities = { ...TALKER, maxOutputTokens: 4_096, structuredOutput: false };

const CLAUDE: ModelCapabilities = { ...THINKER, contextWindow: 1_000_000 };
const CLAUDE_4: ModelCapabilities = { ...CLAUDE, contextWindow: 200_000, maxOutputTokens: 64_000 };
/** Models of Anthropic that know no schema. */
const CLAUDE_3: ModelCapabilities = {
  ...CLAUDE_4,
  maxOutputTokens: 8_192,
  structuredOutput: false,
  reasoning: false,
};

const GEMINI: ModelCapabilities = {
  ...THINKER,
  contextWindow: 1_048_576,
  maxOutputTokens: 65_536,
  audio: true,
};

/** Open models: what their authors publish; a server may give them less room. */
const OPEN: ModelCapabilities = { vision: false, audio: false, tools: true, reasoning: false };
const K32: ModelCapabilities = { ...OPEN, contextWindow: 32_768 };
const K128: ModelCapabilities = { ...OPEN, contextWindow: 131_072 };
const K256: ModelCapabilities = { ...OPEN, contextWindow: 262_144 };
/** Sees, and was not trained to call tools. */
const SEER: ModelCapabilities = { vision: true, tools: false, reasoning: false };

/** The first row that fits a name counts. */
export const MODEL_CAPABILITIES: readonly CapabilityRow[] = [
  [/^(gpt-4o(-mini)?|gpt)-audio/, { ...TALKER, vision: false, audio: true, structuredOutput: false }, OPENAI],
  [/^gpt-4o-2024-05-13/, EARLY, OPENAI],
  [/^(chat)?gpt-4o/, TALKER, OPENAI],
  [/^gpt-4\.1/, { ...TALKER, contextWindow: 1_047_576, maxOutputTokens: 32_768 }, OPENAI],
  [/^gpt-4\.5/, TALKER, OPENAI],
  [/^gpt-4-turbo/, EARLY, OPENAI],
  [/^gpt-4(-1106)?-vision/, EARLY, OPENAI],
  [/^gpt-4-(1106|0125)/, { ...EARLY, vision: false }, OPENAI],
  [/^gpt-4-32k/, { ...EARLY, contextWindow: 32_768, vision: false }, OPENAI],
  [/^gpt-4/, { ...EARLY, contextWindow: 8_192, vision: false, maxOutputTokens: 8_192 }, OPENAI],
  [/^gpt-3\.5/, { ...EARLY, contextWindow: 16_385, vision: false }, OPENAI],
  [/^gpt-5(\.\d)?-chat/, TALKER, OPENAI],
  [/^gpt-5-pro/, { ...THINKER, maxOutputTokens: 272_000 }, OPENAI],
  [/^gpt-5\.[4-9]-pro/, { ...THINKER, contextWindow: 1_050_000, structuredOutput: false }, OPENAI],
  [/^gpt-5\.[4-9]-(mini|nano)/, THINKER, OPENAI],
  [/^gpt-(5\.[4-9]|6)/, { ...THINKER, contextWindow: 1_050_000 }, OPENAI],
  [/^gpt-5/, THINKER, OPENAI],
  [/^codex-mini/, O_SERIES, OPENAI],
  [
    /^o1-mini/,
    { ...O_SERIES, contextWindow: 128_000, maxOutputTokens: 65_536, vision: false, structuredOutput: false },
    OPENAI,
  ],
  [
    /^o1-preview/,
    { ...O_SERIES, contextWindow: 128_000, maxOutputTokens: 32_768, vision: false, structuredOutput: false },
    OPENAI,
  ],
  [/^o3-mini/, { ...O_SERIES, vision: false }, OPENAI],
  [/^o[134](-|$)/, O_SERIES, OPENAI],
  [/^gpt-oss/, { ...K128, structuredOutput: true, reasoning: true }, hub("openai/gpt-oss-20b")],

  [/^claude-3-(opus|sonnet|haiku)/, { ...CLAUDE_3, maxOutputTokens: 4_096 }, ANTHROPIC],
  [/^claude-3-7/, { ...CLAUDE_3, maxOutputTokens: 64_000, reasoning: true }, ANTHROPIC],
  [/^claude-3/, CLAUDE_3, ANTHROPIC],
  [/^claude-(opus|sonnet|haiku)-4-5/, CLAUDE_4, ANTHROPIC],
  [/^claude-(opus|sonnet)-4-[6-9]/, CLAUDE, ANTHROPIC],
  [/^claude-opus-4/, { ...CLAUDE_4, maxOutputTokens: 32_000, structuredOutput: false }, ANTHROPIC],
  [/^claude-sonnet-4/, { ...CLAUDE_4, structuredOutput: false }, ANTHROPIC],
  [/^claude-(opus|sonnet|haiku|fable|mythos)/, CLAUDE, ANTHROPIC],

  [/^gemini-(2\.5|3)/, GEMINI, GOOGLE],
  [/^gemini-2/, { ...GEMINI, maxOutputTokens: 8_192, reasoning: false }, GOOGLE],

  [
    /^llama-?4.*scout/,
    { ...OPEN, contextWindow: 10_485_760, vision: true },
    hub("meta-llama/Llama-4-Scout-17B-16E-Instruct"),
  ],
  [
    /^llama-?4/,
    { ...OPEN, contextWindow: 1_048_576, vision: true },
    hub("meta-llama/Llama-4-Maverick-17B-128E-Instruct"),
  ],
  [
    /^(meta-)?llama-?3\.2.*vision/,
    { ...SEER, contextWindow: 131_072 },
    hub("meta-llama/Llama-3.2-11B-Vision-Instruct"),
  ],
  [/^(meta-)?llama-?3\.[1-3]/, K128, hub("meta-llama/Llama-3.1-8B-Instruct")],
  [
    /^(meta-)?llama-?3/,
    { ...OPEN, contextWindow: 8_192, tools: false },
    hub("meta-llama/Meta-Llama-3-8B-Instruct"),
  ],
  [/^llama-?2/, { ...OPEN, contextWindow: 4_096, tools: false }, hub("meta-llama/Llama-2-7b-chat-hf")],

  [/^qwen-?2\.5-?vl/, { ...SEER, contextWindow: 128_000 }, hub("Qwen/Qwen2.5-VL-7B-Instruct")],
  [/^qwen-?2-?vl/, { ...SEER, contextWindow: 32_768 }, hub("Qwen/Qwen2-VL-7B-Instruct")],
  [/^qwen-?2\.5-?omni/, { ...SEER, contextWindow: 32_768, audio: true }, hub("Qwen/Qwen2.5-Omni-7B")],
  [/^qwen-?2\.5.*-1m/, { ...OPEN, contextWindow: 1_010_000 }, hub("Qwen/Qwen2.5-7B-Instruct-1M")],
  [/^qwen-?2(\.5)?/, K32, hub("Qwen/Qwen2.5-7B-Instruct")],
  [/^qwen-?3-?vl.*thinking/, { ...K256, vision: true, reasoning: true }, hub("Qwen/Qwen3-VL-8B-Thinking")],
  [/^qwen-?3-?vl/, { ...K256, vision: true }, hub("Qwen/Qwen3-VL-8B-Instruct")],
  [/^qwen-?3\.5/, { ...K256, vision: true, reasoning: true }, hub("Qwen/Qwen3.5-9B")],
  [/^qwen-?3-?omni/, { ...SEER, audio: true }, hub("Qwen/Qwen3-Omni-30B-A3B-Instruct")],
  [/^qwen-?3(?!\.).*thinking/, { ...K256, reasoning: true }, hub("Qwen/Qwen3-4B-Thinking-2507")],
  [/^qwen-?3(?!\.).*(2507|next|coder)/, K256, hub("Qwen/Qwen3-4B-Instruct-2507")],
  [/^qwen-?3(?!\.)/, { ...OPEN, contextWindow: 40_960, reasoning: true }, hub("Qwen/Qwen3-8B")],
  [/^qwq/, { ...K128, reasoning: true }, hub("Qwen/QwQ-32B")],

  [/^gemma-?4.*(26b|31b)/, { ...K256, vision: true, reasoning: true }, hub("google/gemma-4-31B-it")],
  [/^gemma-?4/, { ...K128, vision: true, reasoning: true }, hub("google/gemma-4-E4B-it")],
  [/^gemma-?3n/, { ...SEER, contextWindow: 32_768, audio: true }, hub("google/gemma-3n-E4B-it")],
  [/^gemma-?3.*\b(270m|1b)/, { ...OPEN, contextWindow: 32_768, tools: false }, hub("google/gemma-3-1b-it")],
  [/^gemma-?3/, { ...SEER, contextWindow: 131_072 }, hub("google/gemma-3-4b-it")],
  [/^gemma(-?2)?([-:]\d+b|$)/, { ...OPEN, contextWindow: 8_192, tools: false }, hub("google/gemma-2-9b-it")],

  [
    /^mistral-small-?3\.[12]|^mistral-small.*(2503|2506)/,
    { ...K128, vision: true },
    hub("mistralai/Mistral-Small-3.2-24B-Instruct-2506"),
  ],
  [/^mistral-nemo/, K128, hub("mistralai/Mistral-Nemo-Instruct-2407")],
  [
    /^mistral-7b.*v0\.1/,
    { ...OPEN, contextWindow: 32_768, tools: false },
    hub("mistralai/Mistral-7B-Instruct-v0.1"),
  ],
  [/^mistral-large.*(2407|2411)/, K128, hub("mistralai/Mistral-Large-Instruct-2411")],
  [/^(mistral(-7b|:7b|:latest|$)|mixtral[-:]8x7b)/, K32, hub("mistralai/Mistral-7B-Instruct-v0.3")],
  [/^mixtral-8x22b/, { ...OPEN, contextWindow: 65_536 }, hub("mistralai/Mixtral-8x22B-Instruct-v0.1")],
  [/^pixtral/, { ...K128, vision: true }, hub("mistralai/Pixtral-12B-2409")],

  [/^phi-?4-?multimodal/, { ...K128, vision: true, audio: true }, hub("microsoft/Phi-4-multimodal-instruct")],
  [
    /^phi-?4-?mini-?.*reasoning/,
    { ...K128, tools: false, reasoning: true },
    hub("microsoft/Phi-4-mini-reasoning"),
  ],
  [/^phi-?4-?mini/, K128, hub("microsoft/Phi-4-mini-instruct")],
  [/^phi-?4.*reasoning/, { ...K32, tools: false, reasoning: true }, hub("microsoft/Phi-4-reasoning")],
  [/^phi-?4/, { ...OPEN, contextWindow: 16_384, tools: false }, hub("microsoft/phi-4")],
  [/^phi-?3(\.5)?-?vision/, { ...SEER, contextWindow: 131_072 }, hub("microsoft/Phi-3.5-vision-instruct")],
  [/^phi-?3\.5|^phi-?3.*128k/, { ...K128, tools: false }, hub("microsoft/Phi-3.5-mini-instruct")],

  [
    /^deepseek-r1(-distill|:(1\.5|7|8|14|32|70)b)/,
    { ...K128, tools: false, reasoning: true },
    hub("deepseek-ai/DeepSeek-R1-Distill-Qwen-7B"),
  ],
  [/^deepseek-r1/, { ...OPEN, contextWindow: 163_840, reasoning: true }, hub("deepseek-ai/DeepSeek-R1-0528")],
  [
    /^deepseek-v3\.[1-9]/,
    { ...OPEN, contextWindow: 163_840, reasoning: true },
    hub("deepseek-ai/DeepSeek-V3.1"),
  ],
  [/^deepseek-v3/, { ...OPEN, contextWindow: 163_840 }, hub("deepseek-ai/DeepSeek-V3-0324")],

  [
    /^smollm2-1\.7b|^smollm2:1\.7b/,
    { ...OPEN, contextWindow: 8_192 },
    hub("HuggingFaceTB/SmolLM2-1.7B-Instruct"),
  ],
  [/^smollm2/, { ...OPEN, contextWindow: 8_192, tools: false }, hub("HuggingFaceTB/SmolLM2-135M-Instruct")],
  [/^smollm3/, { ...OPEN, contextWindow: 65_536, reasoning: true }, hub("HuggingFaceTB/SmolLM3-3B")],
  [
    /^granite-?3\.[1-3].*vision/,
    { ...SEER, contextWindow: 131_072 },
    hub("ibm-granite/granite-vision-3.2-2b"),
  ],
  [/^granite-?(3\.[1-3]|4)/, K128, hub("ibm-granite/granite-3.3-8b-instruct")],
  [/^(c4ai-)?command-(r|r-plus|r7b)\b/, K128, hub("CohereLabs/c4ai-command-r-08-2024")],
  [/^glm-4\.5v/, { ...OPEN, contextWindow: 65_536, vision: true, reasoning: true }, hub("zai-org/GLM-4.5V")],
  [/^glm-4\.5/, { ...K128, reasoning: true }, hub("zai-org/GLM-4.5")],
  [/^glm-4\.6(?!v)/, { ...OPEN, contextWindow: 202_752, reasoning: true }, hub("zai-org/GLM-4.6")],
  [/^kimi-k2.*thinking/, { ...K256, reasoning: true }, hub("moonshotai/Kimi-K2-Thinking")],
  [/^kimi-k2/, K256, hub("moonshotai/Kimi-K2-Instruct-0905")],

  [/^llava-?v?1\.5/, { ...SEER, contextWindow: 4_096 }, hub("llava-hf/llava-1.5-7b-hf")],
  [
    /^(llava|bakllava|moondream|minicpm-v|internvl|paligemma|idefics|smolvlm|qvq|molmo|fuyu|florence)/,
    SEER,
    hub("models?pipeline_tag=image-text-to-text"),
  ],
  [
    /(^|[-_.\d])(vl|vlm|vision|omni)([-_.:]|$)/,
    { vision: true },
    hub("models?pipeline_tag=image-text-to-text"),
  ],
];
