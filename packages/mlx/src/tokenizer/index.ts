export {
  type AnswerFormat,
  answerFormat,
  type TemplateSwitch,
  templateSwitches,
} from "./answer-format.ts";
export { OPEN as TEXT_MARK } from "./control-tokens.ts";
export {
  type ConversationOptions,
  type EncodedConversation,
  encodeConversation,
} from "./encode-conversation.ts";
export { encodePieces } from "./encode-pieces.ts";
export { eosTokenIds } from "./eos-token-ids.ts";
export type { GgufMetadata } from "./gguf-metadata.ts";
export { DEFAULT_TEMPLATE_LIMITS, type TemplateLimits } from "./jinja/index.ts";
export { loadTokenizer } from "./load-tokenizer.ts";
export { type ChatTemplateInput, renderChatTemplate } from "./render-chat-template.ts";
export { StopMatcher } from "./stop-matcher.ts";
export type { StreamingDetokenizer } from "./streaming-detokenizer.ts";
export type {
  AddedTokenInfo,
  ChatTemplates,
  DecodeOptions,
  DetokenizerOptions,
  EncodedPair,
  EncodeOptions,
  Tokenizer,
} from "./tokenizer.ts";
export { tokenizerFromGguf } from "./tokenizer-from-gguf.ts";
