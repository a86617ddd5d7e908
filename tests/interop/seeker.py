"""Looks for secrets where they must not be: each, in pieces, raw, in hexadecimal digits and in base64."""

import base64
import os
import subprocess

PIECE = 24  # bytes of a secret that are looked for as one
WINDOW = 16  # the same in a large file


def forms(piece):
    """How these bytes may stand in a text. In base64 they begin at any of three places of its groups: what depends on the neighbours is cut off."""
    yield "raw", piece
    yield "hexadecimal", piece.hex().encode()
    yield "HEXADECIMAL", piece.hex().upper().encode()
    for alphabet in (base64.b64encode, base64.urlsafe_b64encode):
        for before in range(3):
            coded = alphabet(bytes(before) + piece)
            yield f"base64 after {before}", coded[(before * 8 + 5) // 6:(before + len(piece)) * 8 // 6]


def pieces(secret):
    """Of a secret that is shorter than one: itself."""
    if 16 <= len(secret) < PIECE:
        return [secret]
    return [secret[at:at + PIECE] for at in range(0, len(secret) - PIECE + 1, PIECE)]


def seek(secrets, places):
    """Which secrets stand in which of the places (bytes by name), and how."""
    return [f"{name}, {how}, in {place}" for name, secret in secrets.items() for piece in pieces(secret) for how, form in forms(piece)
            for place, content in places.items() if form in content]


def seek_in_large(secrets, file, directory):
    """The same in a file of hundreds of megabytes, with where it stands, by one pass of grep. It takes patterns by lines: of each secret, windows that have no
    end of line in them."""
    names = {}
    for name, secret in secrets.items():
        for piece in windows(secret):
            for how, form in forms(piece):
                names[form] = f"{name}, {how}"
    patterns = directory / "patterns"
    patterns.write_bytes(b"\n".join(names) + b"\n")
    done = subprocess.run(["grep", "-aobFf", patterns, file], stdout=subprocess.PIPE, env={**os.environ, "LC_ALL": "C"}, check=False)
    patterns.unlink()
    if done.returncode > 1:
        raise RuntimeError(f"grep ended with status {done.returncode}")
    found = (line.partition(b":") for line in done.stdout.split(b"\n") if line)
    return [(int(at), names[form]) for at, _, form in found]


def windows(secret):
    whole = [secret[at:at + WINDOW] for at in range(len(secret) - WINDOW + 1)]
    fit = [window for window in whole if b"\n" not in window and b"\0" not in window]
    return [fit[0], fit[-1]] if fit else []
