"""What a case with images is."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal

from cases.case import layout

Array = tuple[int, ...] | list  # the shape of generated numbers, or the integers themselves


@dataclass(frozen=True)
class VisionCase:
    """A model that sees, and a prompt with images. Cases of one file share weights where shapes agree."""

    file: str  # golden file, usually the architecture
    name: str
    config: dict
    images: list[dict[str, Array]]  # the arrays of each image, as the image processor gives them
    prompt: list[int]
    module: str  # of mlx_vlm.models
    joined: dict[
        str, Literal["stack", "concatenate"]
    ]  # how Python wants arrays of several images; default stack
    sees_images_whole: bool  # tokens of one image see those after them; mlx-vlm leaves that to a mask
    norm_center: float
    image_token: int
    repair: Callable[[object], None] | None  # puts right where mlx-vlm's model differs from what was trained
    embedding_scale: float  # by which Python's embeddings are larger; ours are scaled in the language model
    list_parameters: bool  # ours are named otherwise: the golden lists Python's
    checkpoints: dict[str, dict[str, str]] = field(default_factory=dict)
    start: list[int] | None = None  # an encoder reads the prompt, and a decoder starts with these

    @property
    def id(self) -> str:
        return f"{self.file}/{self.name}"


def vision_family(
    file: str,
    base: dict,
    rows: dict[str, dict],
    *,
    image_token: int,
    module: str | None = None,
    joined: dict[str, str] | None = None,
    sees_images_whole: bool = False,
    norm_center: float = 1.0,
    repair: Callable[[object], None] | None = None,
    embedding_scale: float = 1.0,
    list_parameters: bool = False,
    start: list[int] | None = None,
) -> list[VisionCase]:
    """Cases that override keys of `base`; ... removes a key; `vision` and `text` override keys of their configs.

    Each row has `images` and `prompt`; `checkpoints` gives weights as repositories have them, by layout.
    """
    cases = []
    for name, changes in rows.items():
        changes = dict(changes)
        images, prompt = changes.pop("images"), changes.pop("prompt")
        layouts = {key: layout(tensors).tensors for key, tensors in changes.pop("checkpoints", {}).items()}
        vision, text = changes.pop("vision", {}), changes.pop("text", {})
        config = {key: value for key, value in {**base, **changes}.items() if value is not ...}
        for part, own in (("vision_config", vision), ("text_config", text)):
            if own:
                config[part] = {k: v for k, v in {**config[part], **own}.items() if v is not ...}
        cases.append(
            VisionCase(
                file,
                name,
                config,
                images,
                prompt,
                module or file,
                joined or {},
                sees_images_whole,
                norm_center,
                image_token,
                repair,
                embedding_scale,
                list_parameters,
                layouts,
                start,
            )
        )
    return cases


def words(count: int, first: int = 1) -> list[int]:
    """Token ids that no case uses for images."""
    return [first + (index * 7) % 40 for index in range(count)]
