"""The version after the image's: the same tree, under another number and of the next generation. It is made once for each image, as other variants are."""

from kernel_image import run
from machine import CHECKOUT

GENERATION = int((CHECKOUT / "image/generation").read_text())
NEXT = CHECKOUT / "build/image-test/next"


def versions(image):
    """The image's, and two that follow."""
    version = next((image.parent / "update").glob("*.efi")).stem.removeprefix("cloister_")
    *begin, last = version.split(".")
    return [".".join([*begin, str(int(last) + steps)]) for steps in range(3)]


def made_once(image, directory, *command):
    """`command` writes another image into the directory, where there is none yet that is as new as this one."""
    manifest = directory / "update/SHA256SUMS"
    if not manifest.exists() or manifest.stat().st_mtime < image.stat().st_mtime:
        run(*command)


def next_update(image):
    """The directory from which a box takes it."""
    made_once(image, NEXT, CHECKOUT / "image/make", NEXT, versions(image)[1], GENERATION + 1)
    return NEXT / "update"
