"""Small pictures of the uploads, in media/thumbnails. All of it can be made anew."""

import os
import tempfile

from django.conf import settings
from PIL import Image, PngImagePlugin, UnidentifiedImageError

FOLDER = "thumbnails"
SIDE_MAX = 24


class NotAPicture(Exception):
    """What was uploaded can't be read as a picture."""


def name_of(upload):
    return f"{FOLDER}/{os.path.splitext(os.path.basename(upload))[0]}.png"


def path_of(name):
    return os.path.join(settings.MEDIA_ROOT, name)


def make(upload, sha256):
    """The thumbnail of a file of media. It appears whole, and tells what it was made from."""
    target = path_of(name_of(upload))
    os.makedirs(os.path.dirname(target), exist_ok=True)
    facts = PngImagePlugin.PngInfo()
    facts.add_text("source", sha256)
    try:
        with Image.open(path_of(upload)) as picture:
            picture.thumbnail((SIDE_MAX, SIDE_MAX))
            with tempfile.NamedTemporaryFile(dir=os.path.dirname(target), suffix=".tmp",
                                             delete=False) as made:
                picture.save(made, "PNG", pnginfo=facts)
            os.chmod(made.name, 0o644)
    except (UnidentifiedImageError, SyntaxError, ValueError) as error:
        raise NotAPicture(str(error)) from error
    os.replace(made.name, target)


def is_current(upload, sha256):
    try:
        with Image.open(path_of(name_of(upload))) as picture:
            return picture.text.get("source") == sha256
    except (OSError, SyntaxError, ValueError):
        return False
