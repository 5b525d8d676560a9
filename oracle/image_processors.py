"""How mlx-vlm's processors are made from settings, and a tokenizer for all of them."""

import importlib
import types
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import mlx.core as mx
import numpy as np
import transformers
from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers

from mlx_vlm_parts import import_vision_model

TOKENIZER = Path(__file__).parent.parent / "packages/mlx/test/goldens/images/tokenizer.json"


NAMED = """
<bos> <s> </s> <pad> <|begin_of_text|> <|python_tag|> <end_of_utterance> <loc_0> <image> <|image|> <|image>
<image|> <|image_pad|> <|vision_start|> <|vision_end|> <start_of_image> <image_soft_token> <end_of_image>
<global-img> <fake_token_around_image> [IMG] [IMG_BREAK] [IMG_END] <img> </img> <IMG_CONTEXT> <|image_start|>
<|image_end|> <|img_thumbnail|> <|media_pad|> <im_patch> <im_col> <im_start> <im_end>
"""
SPECIAL = [
    *NAMED.split(),
    *(f"<row_{row}_col_{column}>" for row in range(1, 7) for column in range(1, 7)),
    *(f"<|img_row_{row}_col_{column}|>" for row in range(1, 11) for column in range(1, 11)),
]


def make_tokenizer() -> Tokenizer:
    """A token for each byte, and one for each text that the processors write."""
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    tokenizer = Tokenizer(models.BPE({char: i for i, char in enumerate(alphabet)}, []))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.add_special_tokens([AddedToken(token, normalized=False, special=True) for token in SPECIAL])
    return tokenizer


def hf_tokenizer(**names: str) -> transformers.PreTrainedTokenizerFast:
    """The tokenizer as transformers has it; `names` are those of a family's own tokens."""
    standard = {"bos_token": "<bos>", "eos_token": "</s>", "pad_token": "<pad>"}
    found = transformers.PreTrainedTokenizerFast(tokenizer_object=make_tokenizer(), **(standard | names))
    for name, token in names.items():
        setattr(found, name, token)
        setattr(found, f"{name}_id", found.convert_tokens_to_ids(token))
    return found


@dataclass(frozen=True)
class ProcessorCase:
    """A processor under one set of settings, and the prompt that it is given with an image."""

    name: str
    model_type: str
    make: Any  # of the processor, from the case
    prompt: str
    image: dict = field(default_factory=dict)  # preprocessor_config.json
    processor: dict = field(default_factory=dict)  # processor_config.json
    model: dict = field(default_factory=dict)  # config.json
    tokens: dict = field(default_factory=dict)
    several: bool = True  # whether a prompt may have two images
    pictures: tuple[tuple[int, int], ...] = ()  # width and height; those of `shapes` by default
    unused: tuple[str, ...] = ()  # arrays that no model needs
    call: Any = None  # how outputs are had, from processor, images and prompt

    def module(self, path: str) -> types.ModuleType:
        return import_vision_model(path)

    @property
    def tokenizer(self) -> transformers.PreTrainedTokenizerFast:
        return hf_tokenizer(**self.tokens)


def pil(name: str, case: ProcessorCase) -> Any:
    """transformers' image processor on Pillow."""
    found = getattr(transformers, name, None)
    if found is None:
        raise SystemExit(f"transformers has no {name}")
    return found(**case.image)


def llava(case: ProcessorCase) -> Any:
    make = case.module("llava.processing_llava").LlavaProcessor
    kind = case.image.get("image_processor_type", "CLIPImageProcessor")
    settings = {key: value for key, value in case.image.items() if key != "image_processor_type"}
    image_processor = getattr(transformers, f"{kind}Pil")(**settings)
    return make(image_processor, case.tokenizer, **case.processor)


def with_tokens(module: str, name: str, image_processor: str) -> Any:
    def make(case: ProcessorCase) -> Any:
        return getattr(case.module(module), name)(
            pil(image_processor, case), case.tokenizer, **case.processor
        )

    return make


def qwen(module: str, name: str, patch_size: int) -> Any:
    """As `from_pretrained` of mlx-vlm makes them from the files of a model."""

    def make(case: ProcessorCase) -> Any:
        shared = case.module("qwen3_vl.processing_qwen3_vl")
        shared._load_qwen_vl_json = lambda _, file: dict(case.image) if file.startswith("pre") else {}
        kwargs = shared._qwen_vl_image_kwargs("", default_patch_size=patch_size)
        image_processor = shared.Qwen3VLImageProcessor(**kwargs)
        return getattr(case.module(module), name)(
            image_processor, case.tokenizer, shared.Qwen3VLVideoProcessor()
        )

    return make


def pixtral(module: str, name: str) -> Any:
    def make(case: ProcessorCase) -> Any:
        image_processor = case.module("pixtral.image_processing_pixtral").PixtralImageProcessor(**case.image)
        patch_size = case.model.get("vision_config", {}).get("patch_size", 16)
        merge = case.model.get("spatial_merge_size", 1)
        return getattr(case.module(module), name)(
            image_processor, case.tokenizer, patch_size=patch_size, spatial_merge_size=merge
        )

    return make


def paligemma(case: ProcessorCase) -> Any:
    settings = dict(case.image)
    length = settings.pop("image_seq_length")
    image_processor = transformers.SiglipImageProcessorPil(**settings)
    image_processor.image_seq_length = length
    return case.module("paligemma.processing_paligemma").PaliGemmaProcessor(image_processor, case.tokenizer)


def llava_onevision(case: ProcessorCase) -> Any:
    make = case.module("llava_onevision.processing_llava_onevision").LlavaOnevisionProcessor
    return make(pil("LlavaOnevisionImageProcessorPil", case), case.tokenizer, **case.processor, **case.model)


def internvl(case: ProcessorCase) -> Any:
    module = case.module("internvl_chat.processor")
    config = case.model
    image_processor = module.InternVLImageProcessor(
        size=config["force_image_size"],
        dynamic_max_num=config["max_dynamic_patch"],
        dynamic_min_num=config["min_dynamic_patch"],
        dynamic_use_thumbnail=config["use_thumbnail"],
    )
    return module.InternVLChatProcessor(
        image_processor,
        case.tokenizer,
        image_size=config["force_image_size"],
        patch_size=config["vision_config"]["patch_size"],
        downsample_ratio=config["downsample_ratio"],
    )


def own(module: str, processor: str, image_processor: str) -> Any:
    """A processor whose image processor is mlx-vlm's, too."""

    def make(case: ProcessorCase) -> Any:
        found = case.module(module)
        return getattr(found, processor)(getattr(found, image_processor)(**case.image), case.tokenizer)

    return make


def glm_ocr(case: ProcessorCase) -> Any:
    module = case.module("glm_ocr.processing")
    module._load_glm_ocr_json = lambda _, file: dict(case.image) if file.startswith("pre") else {}
    kwargs = module._glm_ocr_image_kwargs("")
    image_processor = module.Glm46VImageProcessor(use_transformers_backend=False, **kwargs)
    return module.GlmOcrProcessor(image_processor, case.tokenizer)


def deepseekocr(case: ProcessorCase) -> Any:
    make = case.module("deepseekocr.processing_deepseekocr").DeepseekOCRProcessor
    return make(case.tokenizer, candidate_resolutions=((1024, 1024),), patch_size=16, downsample_ratio=4)


def florence2(case: ProcessorCase) -> Any:
    case.module("florence2.processing_florence2")
    settings = dict(case.image)
    length = settings.pop("image_seq_length")
    image_processor = transformers.CLIPImageProcessorPil(**settings)
    image_processor.image_seq_length = length
    make = importlib.import_module("transformers.models.florence2.processing_florence2").Florence2Processor
    return make(image_processor, case.tokenizer)


def gemma3n(case: ProcessorCase) -> Any:
    make = case.module("gemma3n.processing_gemma3n").Gemma3nProcessor
    return make(None, pil("SiglipImageProcessorPil", case), case.tokenizer, **case.processor)


def gemma4(case: ProcessorCase) -> Any:
    module = case.module("gemma4.processing_gemma4")
    return module.Gemma4Processor(module.Gemma4ImageProcessor(**case.image), case.tokenizer)


def kimi_k25(case: ProcessorCase) -> Any:
    module = case.module("kimi_k25.processing_kimi_k25")
    settings = dict(case.image.get("media_proc_cfg", {}))
    if "in_patch_limit" in settings:
        settings["in_token_limit"] = settings.pop("in_patch_limit")
    if "merge_kernel_size" in settings:
        settings["merge_kernel_size"] = [settings["merge_kernel_size"]] * 2
    return module.KimiK25Processor(module.KimiK25ImageProcessor(**settings), case.tokenizer)


def gemma4_unified(case: ProcessorCase) -> Any:
    module = case.module("gemma4_unified.processing_gemma4_unified")
    return module.Gemma4UnifiedProcessor(module.Gemma4UnifiedImageProcessor(**case.image), case.tokenizer)


def call_gemma4_unified(processor: Any, images: list, prompt: str) -> dict:
    """With the squares put together again: the model cuts them."""
    outputs = dict(processor(images=images, text=[prompt]))
    squares, places = np.array(outputs["pixel_values"]), np.array(outputs["image_position_ids"])
    whole = [put_together(*parts) for parts in zip(squares, places, strict=True)]
    return {**outputs, "pixel_values": np.stack(whole)}


def put_together(squares: np.ndarray, places: np.ndarray) -> np.ndarray:
    """Squares at columns and rows, those at -1 being padding, to a picture `[3, H, W]`."""
    columns, rows = places.max(0) + 1
    side = int((squares.shape[1] / 3) ** 0.5)
    picture = np.zeros((3, rows * side, columns * side), np.float32)
    for square, (column, row) in zip(squares, places, strict=True):
        if column >= 0:
            down, across = (slice(at * side, (at + 1) * side) for at in (row, column))
            picture[:, down, across] = square.reshape(side, side, 3).transpose(2, 0, 1)
    return picture


def call_fastvlm(processor: Any, images: list, prompt: str) -> dict:
    """With as many of the token that stands for an image as it has features."""
    outputs = dict(processor(images=images, text=[prompt]))
    ids = [[token] * (4 if token == -200 else 1) for token in outputs["input_ids"][0].tolist()]
    return {**outputs, "input_ids": sum(ids, [])}


def call_phi3_v(processor: Any, images: list, prompt: str) -> dict:
    """With one token for all images, which Python numbers."""
    parts = prompt.split("<|image|>")
    numbered = "".join(f"{part}<|image_{i + 1}|>" for i, part in enumerate(parts[:-1])) + parts[-1]
    outputs = dict(processor(images=images, text=[numbered]))
    return {**outputs, "input_ids": np.maximum(np.array(outputs["input_ids"]), -1)}


def call_deepseekocr(processor: Any, images: list, prompt: str) -> dict:
    """Of the prompt and a space, which is left out again with the last token."""
    outputs = processor(text=prompt + " ", images=images)
    tiles, whole = outputs["images"]
    large = any(count > 1 for count in np.array(outputs["images_spatial_crop"]).flatten())
    return {
        "input_ids": outputs["input_ids"],
        "pixel_values": whole.astype(mx.float32),
        **({"image_tiles": tiles.astype(mx.float32)} if large else {}),
        "images_spatial_crop": outputs["images_spatial_crop"],
    }
