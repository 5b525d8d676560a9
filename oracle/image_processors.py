"""The image processors of mlx-vlm and what they are given: one row for each family and variation of its settings."""

import importlib
import types
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import mlx.core as mx
import numpy as np
import transformers
from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers

from pictures import shapes

TOKENIZER = Path(__file__).parent.parent / "packages/mlx/test/goldens/images/tokenizer.json"


SPECIAL = [
    "<bos>", "<s>", "</s>", "<|begin_of_text|>", "<image>", "<|image_pad|>", "<|vision_start|>", "<|vision_end|>",
    "<start_of_image>", "<image_soft_token>", "<end_of_image>", "<fake_token_around_image>", "<global-img>",
    "<end_of_utterance>", "[IMG]", "[IMG_BREAK]", "[IMG_END]", "<|image|>", "<img>", "</img>", "<IMG_CONTEXT>",
    "<|image_start|>", "<|image_end|>", "<|img_thumbnail|>", "<|media_pad|>", "<im_patch>", "<im_col>", "<im_start>",
    "<im_end>", "<|image>", "<image|>", "<loc_0>", "<|python_tag|>", "<pad>",
    *(f"<row_{row}_col_{column}>" for row in range(1, 7) for column in range(1, 7)),
    *(f"<|img_row_{row}_col_{column}|>" for row in range(1, 11) for column in range(1, 11)),
]  # fmt: skip


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
        return importlib.import_module(f"mlx_vlm.models.{path}")

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
        return getattr(case.module(module), name)(image_processor, case.tokenizer, shared.Qwen3VLVideoProcessor())

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


PHOTOS = ((1024, 768), (37, 501), (600, 1100))
CLIP_MEAN, CLIP_STD = (0.48145466, 0.4578275, 0.40821073), (0.26862954, 0.26130258, 0.27577711)
GEMMA = {
    "image_token": "<image_soft_token>",
    "boi_token": "<start_of_image>",
    "eoi_token": "<end_of_image>",
}
QWEN_PROMPT = "<|vision_start|><|image_pad|><|vision_end|>What is this?"
QWEN_PIXELS = {"min_pixels": 56 * 56, "max_pixels": 100_000}
SQUARE_32 = {"size": {"shortest_edge": 32}, "crop_size": {"height": 32, "width": 32}}
IDEFICS = {"size": {"longest_edge": 128}, "max_image_size": {"longest_edge": 32}}
gemma3 = with_tokens("gemma3.processing_gemma3", "Gemma3Processor", "Gemma3ImageProcessorPil")
idefics3 = with_tokens("idefics3.processing_idefics3", "Idefics3Processor", "Idefics3ImageProcessorPil")
smolvlm = with_tokens("smolvlm.processing_smolvlm", "SmolVLMProcessor", "SmolVLMImageProcessorPil")

CASES = [
    ProcessorCase(
        "llava", "llava", llava, "USER: <image>\nWhat is this? ASSISTANT:",
        image=SQUARE_32,
        processor={"patch_size": 8, "vision_feature_select_strategy": "default", "num_additional_image_tokens": 1},
    ),
    ProcessorCase(
        "llava-padded", "llava", llava, "USER: <image>\nWhat is this? ASSISTANT:",
        image={**SQUARE_32, "image_processor_type": "LlavaImageProcessor", "do_pad": True, "resample": 2},
        processor={"patch_size": 4, "vision_feature_select_strategy": "full", "num_additional_image_tokens": 1},
    ),
    ProcessorCase(
        "llava-siglip", "llava", llava, "<image>What is this?",
        image={"image_processor_type": "SiglipImageProcessor", "size": {"height": 24, "width": 40}, "resample": 1},
        processor={"patch_size": 8, "vision_feature_select_strategy": "full", "num_additional_image_tokens": 0},
    ),
    ProcessorCase(
        "qwen2_vl", "qwen2_vl", qwen("qwen2_vl.processing_qwen2_vl", "Qwen2VLProcessor", 14), QWEN_PROMPT,
        image={
            **QWEN_PIXELS,
            "image_mean": [0.48145466, 0.4578275, 0.40821073],
            "image_std": [0.26862954, 0.26130258, 0.27577711],
        },
    ),
    ProcessorCase(
        "qwen2_5_vl", "qwen2_5_vl", qwen("qwen2_5_vl.processing_qwen2_5_vl", "Qwen2_5_VLProcessor", 14), QWEN_PROMPT,
        image={"size": {"shortest_edge": 3136, "longest_edge": 20_000}, "image_mean": [0.5, 0.4, 0.3]},
    ),
    ProcessorCase(
        "qwen3_vl", "qwen3_vl", qwen("qwen3_vl.processing_qwen3_vl", "Qwen3VLProcessor", 16), QWEN_PROMPT,
        image={"size": {"shortest_edge": 65536 // 16, "longest_edge": 50_000}, "merge_size": 2},
    ),
    ProcessorCase(
        "gemma3", "gemma3", gemma3, "<bos>What is this?<start_of_image>", tokens=GEMMA,
        image={"size": {"height": 48, "width": 48}}, processor={"image_seq_length": 4},
    ),
    ProcessorCase(
        "gemma3-pan-and-scan", "gemma3", gemma3, "<start_of_image> What is this?", tokens=GEMMA,
        image={
            "size": {"height": 32, "width": 32},
            "do_pan_and_scan": True,
            "pan_and_scan_min_crop_size": 40,
            "pan_and_scan_max_num_crops": 4,
            "pan_and_scan_min_ratio_to_activate": 1.2,
        },
        processor={"image_seq_length": 2},
    ),
    ProcessorCase(
        "idefics3", "idefics3", idefics3, "User:<image>What is this?<end_of_utterance>",
        image=IDEFICS, processor={"image_seq_len": 3}, unused=("pixel_attention_mask",),
    ),
    ProcessorCase(
        "smolvlm", "smolvlm", smolvlm, "User:<image>What is this?<end_of_utterance>",
        image={**IDEFICS, "size": {"longest_edge": 96}}, processor={"image_seq_len": 2},
        unused=("pixel_attention_mask",),
    ),
    ProcessorCase(
        "smolvlm-whole", "smolvlm", smolvlm, "<image>What is this?",
        image={**IDEFICS, "do_image_splitting": False}, processor={"image_seq_len": 2},
        unused=("pixel_attention_mask",),
    ),
    ProcessorCase(
        "pixtral", "pixtral", pixtral("pixtral.processing_pixtral", "PixtralProcessor"), "[IMG]What is this?",
        image={"size": {"longest_edge": 160}},
    ),
    ProcessorCase(
        "mistral3", "mistral3", pixtral("mistral3.processing_mistral3", "Mistral3Processor"), "What is [IMG]?",
        image={"size": {"longest_edge": 200}},
        model={"vision_config": {"patch_size": 14}, "spatial_merge_size": 2},
    ),
    ProcessorCase(
        "paligemma", "paligemma", paligemma, "<image>What is this?", tokens={"image_token": "<image>"},
        image={"size": {"height": 28, "width": 28}, "image_seq_length": 4}, several=False,
    ),
    ProcessorCase(
        "llava_next", "llava_next",
        with_tokens("llava_next.processing_llava_next", "LlavaNextProcessor", "LlavaNextImageProcessorPil"),
        "[INST] <image>\nWhat is this? [/INST]",
        image={
            **SQUARE_32,
            "image_grid_pinpoints": [[32, 64], [64, 32], [64, 64], [96, 32], [32, 96]],
        },
        processor={"patch_size": 4, "vision_feature_select_strategy": "default", "num_additional_image_tokens": 1},
    ),
    ProcessorCase(
        "llava_onevision", "llava_onevision", llava_onevision, "user\n<image>\nWhat is this?",
        image={
            "size": {"height": 32, "width": 32},
            "image_grid_pinpoints": [[rows * 32, columns * 32] for rows in range(1, 5) for columns in range(1, 5)],
        },
        processor={"num_image_tokens": 16, "vision_feature_select_strategy": "full"},
        model={"vision_aspect_ratio": "anyres_max_3"},
    ),
    ProcessorCase(
        "idefics2", "idefics2",
        with_tokens("idefics2.processing_idefics2", "Idefics2Processor", "Idefics2ImageProcessorPil"),
        "User:<image>What is this?<end_of_utterance>",
        image={"size": {"shortest_edge": 20, "longest_edge": 60}}, processor={"image_seq_len": 3},
    ),
    ProcessorCase(
        "idefics2-split", "idefics2",
        with_tokens("idefics2.processing_idefics2", "Idefics2Processor", "Idefics2ImageProcessorPil"),
        "User: <image> What is this?<end_of_utterance>",
        image={"size": {"shortest_edge": 20, "longest_edge": 60}, "do_image_splitting": True},
        processor={"image_seq_len": 2},
        pictures=tuple(shape for shape in shapes() if min(shape) > 1),  # of one pixel, Python makes quarters of none
    ),
    ProcessorCase(
        "internvl_chat", "internvl_chat", internvl, "User: <image>\nWhat is this?",
        model={
            "force_image_size": 28, "vision_config": {"patch_size": 14, "image_size": 56}, "downsample_ratio": 0.5,
            "max_dynamic_patch": 12, "min_dynamic_patch": 1, "use_thumbnail": True,
        },
    ),
    ProcessorCase(
        "internvl_chat-without-thumbnail", "internvl_chat", internvl, "<image>\nWhat is this?",
        model={
            "force_image_size": 56, "vision_config": {"patch_size": 14, "image_size": 56}, "downsample_ratio": 0.5,
            "max_dynamic_patch": 4, "min_dynamic_patch": 2, "use_thumbnail": False,
        },
    ),
    ProcessorCase(
        "phi3_v", "phi3_v", own("phi3_v.processing_phi3_v", "Phi3VProcessor", "Phi3VImageProcessor"),
        "<|image|>", image={"num_crops": 4}, call=call_phi3_v,
        pictures=((1, 1), (40, 1), (1, 40), (13, 17), (336, 336), (300, 200), (100, 640), (1000, 700)),
    ),
    ProcessorCase(
        "mllama", "mllama", with_tokens("mllama.processing_mllama", "MllamaProcessor", "MllamaImageProcessorPil"),
        "<|image|>What is this?", tokens={"bos_token": "<|begin_of_text|>"},
        image={"size": {"height": 28, "width": 28}, "max_image_tiles": 4},
    ),
    ProcessorCase(
        "lfm2_vl", "lfm2_vl",
        own("lfm2_vl.processing_lfm2_vl", "Lfm2VlProcessor", "Lfm2VlNumpyImageProcessor"), "user\n<image>What is this?",
        image={
            "encoder_patch_size": 8, "tile_size": 48, "min_image_tokens": 4, "max_image_tokens": 9, "resample": 2,
            "do_image_splitting": True,
        },
    ),
    ProcessorCase(
        "fastvlm", "llava_qwen2", own("fastvlm.processing", "FastVLMProcessor", "FastVLMImageProcessor"),
        "user\n<image>\nWhat is this?", call=call_fastvlm, unused=("image_sizes",),
        image={"size": {"shortest_edge": 40}, "crop_size": {"height": 32, "width": 32}},
        model={"vision_config": {"patch_size": 16}},
    ),
    ProcessorCase(
        "glm4v", "glm4v", with_tokens("glm4v.processing", "Glm46VProcessor", "Glm4vImageProcessorPil"),
        "<|image|>What is this?",
        image={"size": {"shortest_edge": 112 * 112, "longest_edge": 50_000}},
    ),
    ProcessorCase(
        "glm_ocr", "glm_ocr", glm_ocr, "<|image|>Text Recognition:",
        image={"size": {"shortest_edge": 56 * 56, "longest_edge": 100_000}},
    ),
    ProcessorCase(
        "deepseekocr", "deepseekocr", deepseekocr, "<image>\nFree OCR.", call=call_deepseekocr,
        pictures=((1, 1), (30, 1), (1, 30), (640, 640), (100, 641), (700, 500), (900, 1300), (1281, 640)),
    ),
    ProcessorCase(
        "kimi_vl", "kimi_vl", own("kimi_vl.processing_kimi_vl", "KimiVLProcessor", "KimiVLImageProcessor"),
        "<|media_pad|>What is this?", image={"in_token_limit": 100},
    ),
    ProcessorCase(
        "kimi_vl-padded", "kimi_vl", own("kimi_vl.processing_kimi_vl", "KimiVLProcessor", "KimiVLImageProcessor"),
        "<|media_pad|>What is this?", image={"in_token_limit": 60, "pad_input": True},
    ),
    ProcessorCase(
        "florence2", "florence2", florence2, "<OCR_WITH_REGION>", tokens={"bos_token": "<s>"},
        image={"size": {"height": 24, "width": 32}, "do_center_crop": False, "image_seq_length": 5},
        model={"image_token_id": make_tokenizer().token_to_id("<image>")}, several=False,
    ),
    ProcessorCase(
        "molmo", "molmo", own("molmo.processing_molmo", "MolmoProcessor", "MolmoImageProcessor"), " User: What is this?",
        image={
            "base_image_input_size": [112, 112], "overlap_margins": [2, 2], "image_token_length_w": 4,
            "image_token_length_h": 4, "max_crops": 6,
        },
        several=False,
    ),
    ProcessorCase(
        "gemma3n", "gemma3n", gemma3n, "<bos>What is this?<image_soft_token>",
        tokens={**GEMMA, "audio_token": "<pad>", "boa_token": "<s>", "eoa_token": "</s>"},
        image={"size": {"height": 32, "width": 32}, "resample": 2, "do_normalize": False},
        processor={"image_seq_length": 4},
    ),
    ProcessorCase(
        "gemma4", "gemma4", gemma4, "<bos><|image|>What is this?",
        tokens={"image_token": "<|image|>", "boi_token": "<|image>", "eoi_token": "<image|>"},
        image={"max_soft_tokens": 16, "patch_size": 8, "pooling_kernel_size": 2},
    ),
    # the settings that repositories have
    ProcessorCase(
        "llava-published", "llava", llava, "USER: <image>\nWhat is this? ASSISTANT:", pictures=PHOTOS,
        image={
            "crop_size": {"height": 336, "width": 336}, "do_center_crop": True, "do_convert_rgb": True,
            "do_normalize": True, "do_rescale": True, "do_resize": True, "image_mean": list(CLIP_MEAN),
            "image_std": list(CLIP_STD), "resample": 3, "rescale_factor": 0.00392156862745098,
            "size": {"shortest_edge": 336},
        },
        processor={
            "image_token": "<image>", "num_additional_image_tokens": 1, "patch_size": 14,
            "vision_feature_select_strategy": "default",
        },
    ),
    ProcessorCase(
        "qwen2_5_vl-published", "qwen2_5_vl",
        qwen("qwen2_5_vl.processing_qwen2_5_vl", "Qwen2_5_VLProcessor", 14), QWEN_PROMPT, pictures=PHOTOS,
        image={
            "min_pixels": 3136, "max_pixels": 12845056, "patch_size": 14, "temporal_patch_size": 2, "merge_size": 2,
            "image_mean": list(CLIP_MEAN), "image_std": list(CLIP_STD), "image_processor_type": "Qwen2VLImageProcessor",
        },
    ),
    ProcessorCase(
        "gemma3-published", "gemma3", gemma3, "<bos>What is this?<start_of_image>", tokens=GEMMA, pictures=PHOTOS,
        image={
            "do_convert_rgb": None, "do_normalize": True, "do_pan_and_scan": None, "do_rescale": True,
            "do_resize": True, "image_mean": [0.5, 0.5, 0.5], "image_std": [0.5, 0.5, 0.5],
            "pan_and_scan_max_num_crops": None, "pan_and_scan_min_crop_size": None,
            "pan_and_scan_min_ratio_to_activate": None, "resample": 2, "rescale_factor": 0.00392156862745098,
            "size": {"height": 896, "width": 896},
        },
        processor={"image_seq_length": 256},
    ),
    ProcessorCase(
        "smolvlm-published", "smolvlm", smolvlm, "User:<image>What is this?<end_of_utterance>", pictures=PHOTOS,
        image={
            "do_convert_rgb": True, "do_image_splitting": True, "do_normalize": True, "do_pad": True,
            "do_rescale": True, "do_resize": True, "image_mean": [0.5, 0.5, 0.5], "image_std": [0.5, 0.5, 0.5],
            "max_image_size": {"longest_edge": 512}, "resample": 1, "rescale_factor": 0.00392156862745098,
            "size": {"longest_edge": 2048},
        },
        processor={"image_seq_len": 64}, unused=("pixel_attention_mask",),
    ),
    ProcessorCase(
        "pixtral-published", "pixtral", pixtral("pixtral.processing_pixtral", "PixtralProcessor"),
        "[INST]What is this?\n[IMG][/INST]", pictures=PHOTOS,
        image={
            "do_convert_rgb": True, "do_normalize": True, "do_rescale": True, "do_resize": True,
            "image_mean": list(CLIP_MEAN), "image_std": list(CLIP_STD), "patch_size": {"height": 16, "width": 16},
            "resample": 3, "rescale_factor": 0.00392156862745098, "size": {"longest_edge": 1024},
        },
    ),
    ProcessorCase(
        "mllama-published", "mllama",
        with_tokens("mllama.processing_mllama", "MllamaProcessor", "MllamaImageProcessorPil"),
        "<|begin_of_text|><|image|>What is this?", tokens={"bos_token": "<|begin_of_text|>"}, pictures=PHOTOS,
        image={
            "do_convert_rgb": True, "do_normalize": True, "do_pad": True, "do_rescale": True, "do_resize": True,
            "image_mean": list(CLIP_MEAN), "image_std": list(CLIP_STD), "max_image_tiles": 4, "resample": 2,
            "rescale_factor": 0.00392156862745098, "size": {"height": 560, "width": 560},
        },
    ),
    ProcessorCase(
        "lfm2_vl-published", "lfm2_vl",
        own("lfm2_vl.processing_lfm2_vl", "Lfm2VlProcessor", "Lfm2VlNumpyImageProcessor"),
        "user\n<image>What is this?", pictures=((1024, 768), (37, 501)),
        image={"resample": 3},
    ),
    ProcessorCase(
        "molmo-published", "molmo", own("molmo.processing_molmo", "MolmoProcessor", "MolmoImageProcessor"),
        " User: What is this?", image={"max_crops": 12, "overlap_margins": [4, 4]}, several=False,
        pictures=((1024, 768), (37, 501)),
    ),
    ProcessorCase(
        "gemma4-published", "gemma4", gemma4, "<bos><|image|>What is this?",
        tokens={"image_token": "<|image|>", "boi_token": "<|image>", "eoi_token": "<image|>"}, pictures=PHOTOS,
    ),
]  # fmt: skip
