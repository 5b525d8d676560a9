"""Pictures of one to four equal figures, and what can be asked about them."""

import io
import random
from dataclasses import dataclass

from PIL import Image, ImageDraw

COUNTS = {1: "one", 2: "two", 3: "three", 4: "four"}
SHAPES = ("circle", "square", "triangle")
COLOURS = {
    "red": (214, 40, 40),
    "green": (42, 157, 60),
    "blue": (38, 84, 214),
    "yellow": (250, 214, 30),
    "purple": (130, 50, 170),
    "orange": (245, 130, 20),
}
BACKGROUNDS = {"white": (255, 255, 255), "grey": (150, 150, 150), "black": (10, 10, 10)}
UNSEEN = 1_000_000  # seeds from here on are not for training


@dataclass(frozen=True)
class Drawing:
    """A picture of `count` figures; `figures` are (x, y, radius) in fractions of the shorter side of the centre square."""

    size: tuple[int, int]
    background: str
    shape: str
    colour: str
    figures: tuple[tuple[float, float, float], ...]

    @property
    def count(self) -> int:
        return len(self.figures)


def random_drawing(seed: int) -> Drawing:
    rng = random.Random(seed)
    side = rng.randint(56, 160)
    size = (
        (rng.randint(side, side * 5 // 4), side)
        if rng.random() < 0.5
        else (side, rng.randint(side, side * 5 // 4))
    )
    return Drawing(
        size=size,
        background=rng.choice(list(BACKGROUNDS)),
        shape=rng.choice(SHAPES),
        colour=rng.choice(list(COLOURS)),
        figures=_place(rng, rng.choice(list(COUNTS))),
    )


def _place(rng: random.Random, count: int) -> tuple[tuple[float, float, float], ...]:
    """Figures inside the unit square that leave space between one another."""
    figures: list[tuple[float, float, float]] = []
    while len(figures) < count:
        radius = rng.uniform(0.1, 0.17)
        x, y = rng.uniform(radius + 0.03, 0.97 - radius), rng.uniform(radius + 0.03, 0.97 - radius)
        if all((x - a) ** 2 + (y - b) ** 2 > (1.15 * (radius + r) + 0.04) ** 2 for a, b, r in figures):
            figures.append((x, y, radius))
        elif rng.random() < 0.01:
            figures.clear()  # no room left for another one
    return tuple(figures)


def draw(drawing: Drawing) -> Image.Image:
    width, height = drawing.size
    side = min(width, height)
    left, top = (width - side) / 2, (height - side) / 2
    image = Image.new("RGB", drawing.size, BACKGROUNDS[drawing.background])
    canvas = ImageDraw.Draw(image)
    fill = COLOURS[drawing.colour]
    for x, y, radius in drawing.figures:
        cx, cy, r = left + x * side, top + y * side, radius * side
        if drawing.shape == "circle":
            canvas.ellipse((cx - r, cy - r, cx + r, cy + r), fill=fill)
        elif drawing.shape == "square":
            canvas.rectangle((cx - 0.86 * r, cy - 0.86 * r, cx + 0.86 * r, cy + 0.86 * r), fill=fill)
        else:
            canvas.polygon(
                ((cx, cy - r), (cx + 0.95 * r, cy + 0.8 * r), (cx - 0.95 * r, cy + 0.8 * r)), fill=fill
            )
    return image


def to_png(image: Image.Image) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, "PNG", optimize=True)
    return buffer.getvalue()


def questions(drawing: Drawing) -> list[tuple[str, str]]:
    """Every question about a drawing with its answer."""
    count, many = COUNTS[drawing.count], drawing.count > 1
    figures = drawing.shape + ("s" if many else "")
    return [
        (
            "How many figures are there?",
            f"There {'are' if many else 'is'} {count} {'figures' if many else 'figure'}.",
        ),
        ("What colour are the figures?", f"{'They are' if many else 'It is'} {drawing.colour}."),
        ("What shape are the figures?", f"{'They are' if many else 'It is a'} {figures}."),
        ("What colour is the background?", f"The background is {drawing.background}."),
        (
            "What's in this image?",
            f"{count.capitalize()} {drawing.colour} {figures} on a {drawing.background} background.",
        ),
    ]
