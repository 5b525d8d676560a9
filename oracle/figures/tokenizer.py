"""A word-level tokenizer of exactly the words that drawings need."""

from drawing import BACKGROUNDS, COLOURS, COUNTS, SHAPES, questions, random_drawing
from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers

PAD, EOS, UNKNOWN, IMAGE = "<pad>", "</s>", "<unk>", "<image>"
SPECIAL = (PAD, EOS, UNKNOWN, IMAGE)

# images first, as llava does it; content is text or a list of parts
CHAT_TEMPLATE = (
    "{% for message in messages %}"
    "{% if message['role'] == 'user' %}USER:{% elif message['role'] == 'system' %}SYSTEM:{% else %}ASSISTANT:{% endif %}"
    "{% if message['content'] is string %} {{ message['content'] }}{% else %}"
    "{% for part in message['content'] if part['type'] == 'image' %} <image>{% endfor %}"
    "{% for part in message['content'] if part['type'] == 'text' %} {{ part['text'] }}{% endfor %}"
    "{% endif %}"
    "{% if message['role'] == 'assistant' %}</s>{% else %} {% endif %}"
    "{% endfor %}"
    "{% if add_generation_prompt %}ASSISTANT:{% endif %}"
)


def make_tokenizer() -> Tokenizer:
    pieces = pre_tokenizers.Sequence([pre_tokenizers.Metaspace(), pre_tokenizers.Punctuation("isolated")])
    texts = ["USER: SYSTEM: ASSISTANT:"]
    for seed in range(3000):  # every word of every answer
        texts += [text for pair in questions(random_drawing(seed)) for text in pair]
    words = {piece for text in texts for piece, _ in pieces.pre_tokenize_str(text)}
    assert {"▁" + word for word in (*COLOURS, *BACKGROUNDS, *COUNTS.values(), *SHAPES)} <= words
    vocabulary = {word: id for id, word in enumerate([*SPECIAL, *sorted(words)])}
    tokenizer = Tokenizer(models.WordLevel(vocabulary, unk_token=UNKNOWN))
    tokenizer.pre_tokenizer = pieces
    tokenizer.decoder = decoders.Metaspace()
    tokenizer.add_special_tokens(
        [AddedToken(token, lstrip=True, rstrip=True, special=True) for token in SPECIAL]
    )
    return tokenizer
