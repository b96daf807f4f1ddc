"""How the images of a message show in the prompt."""

from __future__ import annotations

from ollamars.prompts.messages import Message
from ollamars.prompts.renderers.conversation import Conversation
from ollamars.prompts.text import WHITE_SPACE

_PLACE = "[img]"
_NUMBERED = "[img-"


class ImageTags:
    """Writes the images of one conversation; counts them over the whole prompt."""

    def __init__(self, conversation: Conversation, marker: str = "") -> None:
        """`marker` stands for an image, in front of the text, where images have no numbers."""
        self._numbered = conversation.numbered_images
        self._marker = marker
        self._count = 0

    def skip(self, message: Message) -> None:
        """Count the images of a message that is not written."""
        self._count += len(message.images)

    def content(self, message: Message, text: str | None = None) -> str:
        """The text of a message (`text`, if given, in place of its content) with its images."""
        text = message.content if text is None else text
        if not self._numbered:
            return self._marker * len(message.images) + text
        first = self._count
        self._count += len(message.images)
        return with_numbers(text, range(first, self._count))


def with_numbers(text: str, numbers: range) -> str:
    """Text with a tag `[img-N]` for each number.

    Each takes the place of the next `[img]`; those that find none stand before the text, with a
    space if the text follows directly. Text that holds a numbered tag already stays as it is.
    """
    if not numbers or _NUMBERED in text:
        return text
    prefix = ""
    for number in numbers:
        tag = f"{_NUMBERED}{number}]"
        if _PLACE in text:
            text = text.replace(_PLACE, tag, 1)
        else:
            prefix += tag
    space = " " if prefix and text and text[0] not in WHITE_SPACE else ""
    return prefix + space + text
