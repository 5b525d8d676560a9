/** Keys that any config may carry and that do not change the logits, by what they are for. */
const harmless = new Set(
  Object.values({
    /** What a checkpoint is and what wrote it. */
    whatModelsAre: [
      "_from_model_config",
      "_name_or_path",
      "architectures",
      "auto_map",
      "dtype",
      "is_llama_config",
      "keys_to_ignore_at_inference",
      "model_name",
      "model_type",
      "quantization",
      "quantization_config",
      "torch_dtype",
      "transformers.js_config",
      "transformers_version",
      "unsloth_fixed",
      "unsloth_version",
      "use_bfloat16",
    ],
    /** Training: dropout, initial values, losses, how experts share the work. */
    training: [
      "attention_dropout",
      "attn_pdrop",
      "aux_loss_alpha",
      "capacity_factor",
      "emb_pdrop",
      "embd_pdrop",
      "embed_dropout",
      "embedding_dropout",
      "ep_size",
      "expert_dropout",
      "gradient_checkpointing",
      "hidden_dropout",
      "initializer_range",
      "input_jitter_noise",
      "load_balance_coeff",
      "moe_drop_tokens",
      "moe_random_routing_dropped_token",
      "mtp_loss_scaling_factor",
      "output_dropout",
      "output_router_logits",
      "pretraining_tp",
      "resid_pdrop",
      "residual_dropout",
      "router_aux_loss_coef",
      "router_jitter_noise",
      "router_z_loss_coef",
      "seq_aux",
    ],
    /** Layers that predict further tokens, which checkpoints have behind the model and nothing here reads. */
    drafting: [
      "mtp_hybrid_override_pattern",
      "mtp_layers_block_type",
      "mtp_transformer_layers",
      "num_mtp_modules",
      "num_nextn_predict_layers",
      "use_mtp",
    ],
    /** Defaults of `generate`, and what it returns: `generation_config.json` in newer repositories. */
    generation: [
      "bad_words_ids",
      "begin_suppress_tokens",
      "diversity_penalty",
      "do_sample",
      "early_stopping",
      "encoder_no_repeat_ngram_size",
      "exponential_decay_length_penalty",
      "length_penalty",
      "max_length",
      "min_length",
      "no_repeat_ngram_size",
      "num_beam_groups",
      "num_beams",
      "num_return_sequences",
      "output_attentions",
      "output_hidden_states",
      "output_scores",
      "prefix",
      "remove_invalid_values",
      "repetition_penalty",
      "return_dict",
      "return_dict_in_generate",
      "suppress_tokens",
      "top_p",
      "typical_p",
      "use_cache",
    ],
    /** Heads for other tasks than language modelling, and roles that a decoder alone does not have. */
    otherTasks: [
      "add_cross_attention",
      "cross_attention_hidden_size",
      "finetuning_task",
      "id2label",
      "is_decoder",
      "is_encoder_decoder",
      "label2id",
      "n_special",
      "predict_special_tokens",
      "problem_type",
      "summary_activation",
      "summary_first_dropout",
      "summary_proj_to_labels",
      "summary_type",
      "summary_use_proj",
      "task_specific_params",
      "tf_legacy_loss",
      "tie_encoder_decoder",
    ],
    /** How other programs compute the same. */
    execution: [
      "_attn_implementation",
      "_attn_implementation_autoset",
      "attn_implementation",
      "chunk_size_feed_forward",
      "fuse_cross_entropy",
      "fuse_norm",
      "pruned_heads",
      "rope_interleaved",
      "torchscript",
      "use_grouped_mm",
    ],
    /** Read elsewhere, or by models that have them in their schema. */
    elsewhere: ["max_position_embeddings", "max_window_layers", "rope_parameters", "tokenizer_class"],
  }).flat(),
);

/** Keys that are defaults of `generate` with these values, and may be the model's own with others. */
const generationDefaults: Readonly<Record<string, number>> = { temperature: 1, top_k: 50 };

/** Ids of tokens: for whoever makes prompts. */
const TOKEN_ID = /_token_(id|index)$/;

/** Whether a config may carry this key with this value without it changing the logits. */
export const isHarmless = (key: string, value: unknown): boolean =>
  harmless.has(key) || TOKEN_ID.test(key) || generationDefaults[key] === value;
