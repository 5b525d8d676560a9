from dataclasses import dataclass

import mlx.core as mx
import mlx.nn as nn

from cases.unlike import GEMMA3N_TEXT
from mlx_vlm_parts import import_vision_model

from .case import vision_family, words

IMAGE, END_OF_IMAGE, FIRST_AUDIO = 50, 49, 58
package = import_vision_model("gemma3n")
gemma3n = import_vision_model("gemma3n.gemma3n")
vision = import_vision_model("gemma3n.vision")


@dataclass
class VisionConfig(vision.VisionConfig):
    """With blocks that are not those of the published tower, as timm writes them."""

    model_args: dict | None = None


def block_configs(text: str) -> list:
    """A block as often as it comes; only the first one has its stride."""
    kind, *options = text.split("_")
    n = {option[0]: int(option[1:]) for option in options}

    def make(stride: int) -> object:
        if kind == "er":
            return vision._er(n["k"], n["c"], stride, n["e"])
        if kind == "uir":
            return vision._uir(n["a"], n["k"], n["c"], stride, n["e"])
        return vision._mmqa(n["h"], n["d"], n.get("v", 1))

    return [make(n["s"] if index == 0 else 1) for index in range(n["r"])]


make_norm = vision.RMSNormAct2d.__init__


def make_norm_as_timm(self: nn.Module, channels: int, eps: float = 1e-6, apply_act: bool = True) -> None:
    """With timm's epsilon, the same for all, and timm's activation, the approximation."""
    make_norm(self, channels, 1e-6, apply_act)
    if apply_act:
        self.act = nn.GELU(approx="tanh")


class Fusion(vision.MobileNetV5MultiScaleFusionAdapter):
    """mlx-vlm's comes out with rows and columns changed over."""

    def __call__(self, inputs: list[mx.array]) -> mx.array:
        return super().__call__(inputs).swapaxes(1, 2)


def create_conv2d(inputs: int, outputs: int, kernel_size: int, stride: int = 1, depthwise: bool = False, **_):
    """Padded as TensorFlow does, as timm pads all of this tower."""
    groups = inputs if depthwise else 1
    return vision.Conv2dSame(inputs, outputs, kernel_size, stride, 0, (1, 1), groups, False)


class VisionTower(vision.VisionTower):
    def __init__(self, config: VisionConfig):
        stages = config.model_args["block_args"]
        vision.gemma3n_mobilenet_def = lambda: [sum(map(block_configs, stage), []) for stage in stages]
        super().__init__(config)
        last_channels = [int(stage[-1].split("_c")[1]) for stage in stages]
        self.msfa = Fusion(last_channels[-2:], config.hidden_size, config.side)


class NoSound:
    """In place of what hears: no token is its own."""

    vocab_offset, vocab_size = FIRST_AUDIO, 2

    def __init__(self, size: int):
        self.size = size

    def __call__(self, input_ids: mx.array) -> mx.array:
        return mx.zeros((*input_ids.shape, self.size))


class Model(gemma3n.Model):
    def __init__(self, config: package.ModelConfig):
        nn.Module.__init__(self)
        self.config = config
        config.vision_config.side = int(config.vision_soft_tokens_per_image**0.5)
        text = config.text_config
        self.language_model = gemma3n.LanguageModel(text)
        self.vocab_size = text.vocab_size
        self.vocab_size_per_layer_input = text.vocab_size_per_layer_input
        self.vision_tower = vision.VisionModel(config.vision_config)
        self.embed_vision = gemma3n.Gemma3nMultimodalEmbedder(config.vision_config, text)
        self.embed_audio = NoSound(text.hidden_size)

    def get_input_embeddings(self, *arguments: object, **named: object) -> object:
        """Embeddings of text as large as without an image: mlx-vlm forgets to scale them."""
        body = self.language_model.model
        table = body.embed_tokens
        body.embed_tokens = lambda ids: table(ids) * body.hidden_size**0.5
        try:
            return super().get_input_embeddings(*arguments, **named)
        finally:
            body.embed_tokens = table


package.Model, package.VisionConfig = Model, VisionConfig
vision.RMSNormAct2d.__init__ = make_norm_as_timm
vision.create_conv2d, vision.VisionTower = create_conv2d, VisionTower


BLOCKS = [
    ["er_r1_k3_s2_e4_c16", "er_r2_k3_s1_e4_c16"],
    ["uir_r1_a3_k5_s2_e6_c16", "uir_r1_a5_k0_s1_e4_c16"],
    ["uir_r1_a5_k5_s2_e6_c24", "uir_r1_a0_k0_s1_e1_c24", "mqa_r1_k3_h3_v2_s1_d8_c24", "uir_r1_a0_k0_s1_e2_c24"],
    ["uir_r1_a5_k5_s2_e6_c32", "mqa_r2_k3_h2_s1_d16_c32", "uir_r1_a0_k0_s1_e2_c32"],
]
TOWER = "model.vision_tower.timm_model."


def picture(side: int) -> dict:
    return {"pixel_values": (3, side, side)}


CASES = vision_family(
    "gemma3n",
    {
        "model_type": "gemma3n",
        "vocab_size": 64,
        "image_token_id": IMAGE,
        "vision_soft_tokens_per_image": 4,
        "text_config": {
            **GEMMA3N_TEXT,
            "intermediate_size": [96] * 6,
            "sliding_window": 64,
            "num_kv_shared_layers": 0,  # mlx-vlm turns queries of layers that share to later positions
        },
        "vision_config": {
            "model_type": "gemma3n_vision",
            "hidden_size": 48,
            "vocab_size": 10,
            "vocab_offset": 48,
            "model_args": {"block_args": BLOCKS},
        },
        "audio_config": {"hidden_size": 8},
    },
    {
        "pooled to four tokens": {
            "images": [picture(64)],
            "prompt": [*words(3), 48, *[IMAGE] * 4, END_OF_IMAGE, *words(5, 2)],
            "checkpoints": {
                "transformers": {
                    TOWER + "conv_stem.conv.weight": (64, 3, 3, 3),
                    TOWER + "blocks.0.0.conv_exp.weight": (256, 64, 3, 3),
                    TOWER + "blocks.0.0.conv_pwl.weight": (16, 256, 1, 1),
                    TOWER + "blocks.1.0.dw_start.conv.weight": (16, 1, 3, 3),
                    TOWER + "blocks.2.2.attn.key.{down_conv,proj}.weight": (24, 1, 3, 3),
                    "model.embed_vision.embedding_projection.weight": (64, 48),
                },
                "converted": {
                    "vision_tower.timm_model.blocks.0.0.conv_exp.weight": (256, 3, 3, 64),
                    "vision_tower.timm_model.conv_stem.conv.weight": (64, 3, 3, 3),
                    "embed_vision.embedding.weight": (10, 48),
                },
            },
        },
        "two images of other sizes, scaled to nine tokens": {
            "vision_soft_tokens_per_image": 9,
            "images": [picture(96), picture(96)],
            "prompt": [*[IMAGE] * 9, END_OF_IMAGE, *words(2), *[IMAGE] * 9, *words(3)],
        },
        "other blocks": {
            "vision": {
                "hidden_size": 32,
                "model_args": {
                    "block_args": [
                        ["er_r1_k5_s2_e2_c8"],
                        ["uir_r2_a0_k3_s2_e3_c8"],
                        ["uir_r1_a3_k0_s2_e3_c16", "mqa_r1_k3_h1_v2_s1_d8_c16"],
                        ["uir_r1_a0_k5_s2_e2_c8", "mqa_r1_k3_h2_v2_s1_d4_c8"],
                    ]
                },
            },
            "images": [picture(67)],
            "vision_soft_tokens_per_image": 1,
            "prompt": [IMAGE, *words(2)],
        },
    },
    image_token=IMAGE,
)
