"""Models that score a query with a document: one row for each kind and variation."""

from dataclasses import dataclass, field

from embedding_cases import (
    BERT,
    BERT_MARKS,
    MODERNBERT,
    MPNET,
    QWEN3,
    ROBERTA,
    ROBERTA_MARKS,
    tokenizer,
)

ONE_LABEL = {"id2label": {"0": "LABEL_0"}, "label2id": {"LABEL_0": 0}}
IDENTITY = "torch.nn.modules.linear.Identity"
JUDGE_MARKS = {"marks": ["<|endoftext|>", "<|im_start|>", "<|im_end|>", "<think>", "</think>", "<unk>"]}
JUDGE_WORDS = ["yes", "no", "system", "user", "assistant", "<Instruct>:", "<Query>:", "<Document>:"]


def text(name: str, kind: int) -> dict:
    return {"Sequence": {"id": name, "type_id": kind}}


def mark(name: str, kind: int) -> dict:
    return {"SpecialToken": {"id": name, "type_id": kind}}


BERT_PAIR = [mark("[CLS]", 0), text("A", 0), mark("[SEP]", 0), text("B", 1), mark("[SEP]", 1)]
ROBERTA_PAIR = [
    mark("<s>", 0),
    text("A", 0),
    mark("</s>", 0),
    mark("</s>", 0),
    text("B", 0),
    mark("</s>", 0),
]


@dataclass(frozen=True)
class Case:
    name: str
    config: dict
    marks: list[str]
    before: str | None = None
    behind: str | None = None
    pair: list[dict] | None = None
    words: list[str] = field(default_factory=list)
    max_length: int = 64
    input_names: list[str] | None = None
    norm_center: float = 1.0
    runs: dict = field(default_factory=lambda: {"plain": {}})

    @property
    def is_judge(self) -> bool:
        return self.pair is None

    def files(self) -> dict[str, object]:
        """The folder's JSON files by name."""
        spec = tokenizer(self.marks, self.before, self.behind)
        vocab = spec["model"]["vocab"]
        vocab.update({word: len(vocab) + i for i, word in enumerate(self.words)})
        if self.pair is None:
            spec["post_processor"] = None
        else:
            spec["post_processor"]["pair"] = self.pair
        return {
            "config.json": self.config,
            "tokenizer.json": spec,
            "tokenizer_config.json": {
                "tokenizer_class": "PreTrainedTokenizerFast",
                **({"cls_token": self.before} if self.before else {}),
                **({"sep_token": self.behind} if self.behind else {}),
                "pad_token": self.marks[0],
                "unk_token": self.marks[-1],
                "model_max_length": self.max_length,
                **({"model_input_names": self.input_names} if self.input_names else {}),
            },
        }


INPUTS = ["input_ids", "attention_mask"]
UNTYPED_KIND = {**BERT_MARKS, "pair": BERT_PAIR, "input_names": INPUTS}
BERT_KIND = {**UNTYPED_KIND, "input_names": [*INPUTS, "token_type_ids"]}
ROBERTA_KIND = {**ROBERTA_MARKS, "pair": ROBERTA_PAIR}
JUDGE_KIND = {**JUDGE_MARKS, "words": JUDGE_WORDS, "max_length": 128}


def classifier(config: dict, kind: str, **changes: object) -> dict:
    return {**config, "architectures": [f"{kind}ForSequenceClassification"], **ONE_LABEL, **changes}


JUDGE = {**QWEN3, "vocab_size": 64}

CASES = [
    Case("bert", classifier(BERT, "Bert"), **BERT_KIND),
    Case(
        "bert logits",
        classifier(BERT, "Bert", sentence_transformers={"activation_fn": IDENTITY, "version": "6.2.0"}),
        **BERT_KIND,
    ),
    Case(
        "bert shortened",
        classifier(BERT, "Bert", sbert_ce_default_activation_function=IDENTITY),
        **BERT_KIND,
        max_length=14,
        runs={"plain": {"truncate": True}},
    ),
    Case("bert untyped", classifier(BERT, "Bert"), **UNTYPED_KIND),
    Case("xlm-roberta", classifier(ROBERTA, "XLMRoberta"), **ROBERTA_KIND),
    Case("roberta", classifier(ROBERTA, "Roberta", model_type="roberta"), **ROBERTA_KIND),
    Case("mpnet", classifier(MPNET, "MPNet"), **ROBERTA_KIND),
    Case("modernbert cls", classifier(MODERNBERT, "ModernBert", classifier_pooling="cls"), **UNTYPED_KIND),
    Case(
        "modernbert mean",
        classifier(
            MODERNBERT,
            "ModernBert",
            classifier_pooling="mean",
            classifier_bias=True,
            classifier_activation="silu",
            norm_bias=True,
        ),
        **UNTYPED_KIND,
    ),
    Case(
        "qwen3",
        JUDGE,
        **JUDGE_KIND,
        runs={"plain": {}, "instruction": {"instruction": "w33 w34"}},
    ),
    Case("qwen3 untied", {**JUDGE, "tie_word_embeddings": False}, **JUDGE_KIND),
]
