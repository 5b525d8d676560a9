"""Models that make vectors: one row for each kind and variation."""

from dataclasses import dataclass, field

WORDS = 40
MODULES = "sentence_transformers.models"


def tokenizer(added: list[str], before: str | None, behind: str | None) -> dict:
    """Words and marks, with what stands around every text."""
    marks = [
        {
            "id": i,
            "content": mark,
            "special": True,
            "single_word": False,
            "lstrip": False,
            "rstrip": False,
            "normalized": False,
        }
        for i, mark in enumerate(added)
    ]
    around = [mark for mark in (before, behind) if mark]
    sequence = {"Sequence": {"id": "A", "type_id": 0}}
    single = [
        *([{"SpecialToken": {"id": before, "type_id": 0}}] if before else []),
        sequence,
        *([{"SpecialToken": {"id": behind, "type_id": 0}}] if behind else []),
    ]
    vocab = {mark: i for i, mark in enumerate(added)} | {f"w{i}": len(added) + i for i in range(WORDS)}
    return {
        "version": "1.0",
        "added_tokens": marks,
        "normalizer": None,
        "pre_tokenizer": {"type": "WhitespaceSplit"},
        "post_processor": {
            "type": "TemplateProcessing",
            "single": single,
            "pair": [*single, {"Sequence": {"id": "B", "type_id": 0}}],
            "special_tokens": {
                mark: {"id": mark, "ids": [added.index(mark)], "tokens": [mark]} for mark in around
            },
        },
        "decoder": None,
        "model": {"type": "WordLevel", "unk_token": added[-1], "vocab": vocab},
    }


@dataclass(frozen=True)
class Case:
    name: str
    config: dict
    pooling: dict
    marks: list[str]
    before: str | None = None
    behind: str | None = None
    dense_layers: list[dict] = field(default_factory=list)
    normalizes: bool = True
    prompts: dict = field(default_factory=dict)
    default_prompt: str | None = None
    transformer: dict = field(default_factory=lambda: {"max_seq_length": 64, "do_lower_case": False})
    norm_center: float = 1.0
    runs: dict = field(default_factory=lambda: {"plain": {}})

    def dense(self) -> dict[str, dict]:
        return {f"{2 + i}_Dense": settings for i, settings in enumerate(self.dense_layers)}

    def files(self) -> dict[str, object]:
        """The folder's JSON files by name."""
        steps = [("", "Transformer"), ("1_Pooling", "Pooling"), *((name, "Dense") for name in self.dense())]
        if self.normalizes:
            steps.append((f"{len(steps)}_Normalize", "Normalize"))
        modules = [
            {"idx": i, "name": str(i), "path": path, "type": f"{MODULES}.{kind}"}
            for i, (path, kind) in enumerate(steps)
        ]
        return {
            "config.json": self.config,
            "tokenizer.json": tokenizer(self.marks, self.before, self.behind),
            "tokenizer_config.json": {
                "tokenizer_class": "PreTrainedTokenizerFast",
                **({"cls_token": self.before} if self.before else {}),
                **({"sep_token": self.behind} if self.behind else {}),
                "pad_token": self.marks[0],
                "unk_token": self.marks[-1],
                "model_max_length": 64,
            },
            "modules.json": modules,
            "sentence_bert_config.json": self.transformer,
            "config_sentence_transformers.json": {
                "prompts": self.prompts,
                "default_prompt_name": self.default_prompt,
            },
            "1_Pooling/config.json": {"word_embedding_dimension": self.config["hidden_size"], **self.pooling},
            **{f"{name}/config.json": settings for name, settings in self.dense().items()},
        }


BERT_MARKS = {"marks": ["[PAD]", "[CLS]", "[SEP]", "[UNK]"], "before": "[CLS]", "behind": "[SEP]"}
ROBERTA_MARKS = {"marks": ["<s>", "<pad>", "</s>", "<unk>"], "before": "<s>", "behind": "</s>"}
QWEN_MARKS = {"marks": ["<|endoftext|>", "<unk>"], "behind": "<|endoftext|>"}
GEMMA_MARKS = {"marks": ["<pad>", "<eos>", "<bos>", "<unk>"], "before": "<bos>", "behind": "<eos>"}

ENCODER = {
    "hidden_size": 64,
    "num_hidden_layers": 3,
    "intermediate_size": 128,
    "num_attention_heads": 4,
    "vocab_size": 48,
}
BERT = {
    **ENCODER,
    "architectures": ["BertModel"],
    "model_type": "bert",
    "max_position_embeddings": 64,
    "type_vocab_size": 2,
    "layer_norm_eps": 1e-12,
    "hidden_act": "gelu",
    "pad_token_id": 0,
}
ROBERTA = {
    **BERT,
    "architectures": ["XLMRobertaModel"],
    "model_type": "xlm-roberta",
    "max_position_embeddings": 66,
    "type_vocab_size": 1,
    "layer_norm_eps": 1e-5,
    "pad_token_id": 1,
}
MPNET = {
    **ENCODER,
    "architectures": ["MPNetModel"],
    "model_type": "mpnet",
    "max_position_embeddings": 66,
    "layer_norm_eps": 1e-5,
    "hidden_act": "gelu",
    "relative_attention_num_buckets": 32,
    "pad_token_id": 1,
}
MODERNBERT = {
    **ENCODER,
    "architectures": ["ModernBertModel"],
    "model_type": "modernbert",
    "num_hidden_layers": 5,
    "max_position_embeddings": 64,
    "local_attention": 6,
    "global_attn_every_n_layers": 3,
    "global_rope_theta": 160000.0,
    "local_rope_theta": 10000.0,
    "pad_token_id": 0,
    "cls_token_id": 1,
    "sep_token_id": 2,
    "bos_token_id": 1,
    "eos_token_id": 2,
}
QWEN3 = {
    **ENCODER,
    "architectures": ["Qwen3ForCausalLM"],
    "model_type": "qwen3",
    "num_key_value_heads": 2,
    "head_dim": 32,
    "rms_norm_eps": 1e-6,
    "rope_theta": 1000000,
    "max_position_embeddings": 128,
    "tie_word_embeddings": True,
    "eos_token_id": 0,
    "bos_token_id": 0,
}
GEMMA3 = {
    **ENCODER,
    "architectures": ["Gemma3TextModel"],
    "model_type": "gemma3_text",
    "num_hidden_layers": 4,
    "num_key_value_heads": 1,
    "head_dim": 32,
    "rms_norm_eps": 1e-6,
    "rope_theta": 1000000.0,
    "rope_local_base_freq": 10000.0,
    "query_pre_attn_scalar": 32,
    "sliding_window": 6,
    "layer_types": ["sliding_attention", "sliding_attention", "full_attention", "sliding_attention"],
    "max_position_embeddings": 64,
    "use_bidirectional_attention": True,
    "hidden_activation": "gelu_pytorch_tanh",
    "pad_token_id": 0,
    "eos_token_id": 1,
    "bos_token_id": 2,
}

MEAN = {"pooling_mode_cls_token": False, "pooling_mode_mean_tokens": True}
CLS = {"pooling_mode_cls_token": True, "pooling_mode_mean_tokens": False}
LAST = {"pooling_mode_mean_tokens": False, "pooling_mode_lasttoken": True}

QUERY = "Instruct: w30 w31 w32\nQuery: "
IDENTITY = "torch.nn.modules.linear.Identity"

CASES = [
    Case("bert cls", BERT, CLS, **BERT_MARKS, runs={"plain": {}, "short": {"dimensions": 24}}),
    Case("bert mean", BERT, MEAN, **BERT_MARKS, normalizes=False),
    Case(
        "bert several",
        {**BERT, "hidden_act": "gelu_new"},
        {"pooling_mode": ["max", "mean_sqrt_len_tokens", "weightedmean"]},
        **BERT_MARKS,
        normalizes=False,
    ),
    Case(
        "bert shortened",
        BERT,
        MEAN,
        **BERT_MARKS,
        transformer={"max_seq_length": 8, "do_lower_case": True},
        runs={"plain": {"truncate": True}},
    ),
    Case(
        "bert tanh",
        BERT,
        CLS,
        **BERT_MARKS,
        dense_layers=[
            {
                "in_features": 64,
                "out_features": 32,
                "bias": True,
                "activation_function": "torch.nn.modules.activation.Tanh",
            }
        ],
        normalizes=False,
    ),
    Case(
        "bert without prompt",
        BERT,
        {**MEAN, "include_prompt": False},
        **BERT_MARKS,
        prompts={"query": "w30 w31 ", "document": "w32 "},
        default_prompt="document",
        runs={"plain": {}, "query": {"inputType": "query"}},
    ),
    Case("xlm-roberta cls", ROBERTA, CLS, **ROBERTA_MARKS),
    Case(
        "roberta mean",
        {**ROBERTA, "model_type": "roberta", "architectures": ["RobertaModel"]},
        MEAN,
        **ROBERTA_MARKS,
    ),
    Case("mpnet mean", MPNET, MEAN, **ROBERTA_MARKS),
    Case("modernbert mean", MODERNBERT, MEAN, **BERT_MARKS),
    Case(
        "modernbert cls",
        {**MODERNBERT, "norm_bias": True, "attention_bias": True, "mlp_bias": True},
        CLS,
        **BERT_MARKS,
    ),
    Case(
        "qwen3",
        QWEN3,
        LAST,
        **QWEN_MARKS,
        prompts={"query": QUERY, "document": ""},
        runs={
            "plain": {},
            "query": {"inputType": "query"},
            "document": {"inputType": "document"},
            "instruction": {"instruction": "w33 w34", "prompt": "Instruct: w33 w34\nQuery: "},
            "short": {"dimensions": 16},
        },
    ),
    Case(
        "gemma3",
        GEMMA3,
        MEAN,
        **GEMMA_MARKS,
        dense_layers=[
            {"in_features": 64, "out_features": 128, "bias": False, "activation_function": IDENTITY},
            {"in_features": 128, "out_features": 64, "bias": False, "activation_function": IDENTITY},
        ],
        prompts={"query": "task: w30 w31 | query: ", "document": "title: none | text: "},
        norm_center=0.0,
        runs={
            "plain": {},
            "query": {"inputType": "query"},
            "document": {"inputType": "document"},
            "instruction": {"instruction": "w33 w34", "prompt": "task: w33 w34 | query: "},
        },
    ),
    Case(
        "llama both ways",
        {
            **QWEN3,
            "architectures": ["LlamaModel"],
            "model_type": "llama",
            "is_causal": False,
        },
        LAST,
        **QWEN_MARKS,
    ),
]
