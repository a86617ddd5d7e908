"""What an operator brings to a new box: a disk labelled CLOISTER, made from the documentation's example of that box."""

import re
import subprocess
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[2]

# The two sides of each box: its network cards and addresses.
BOXES = {
    "geneva": {"black": ("52:54:00:00:00:01", "203.0.113.1"), "red": ("52:54:00:00:00:02", "192.0.2.1"), "host": "192.0.2.10"},
    "paris": {"black": ("52:54:00:00:00:03", "203.0.113.2"), "red": ("52:54:00:00:00:04", "198.51.100.1"), "host": "198.51.100.10"},
}


def configuration(box, changes):
    """docs/examples/BOX.yaml, with other values for some of its keys."""
    text, without = re.subn(r"^tpm:\n(  .*\n)+\n", "", (CHECKOUT / f"docs/examples/{box}.yaml").read_text(), flags=re.MULTILINE)
    assert without == 1, "'tpm', which the image brings, is not in the example"
    for key, value in {"psk": "/var/lib/cloister/peer.psk", **changes}.items():
        text, replaced = re.subn(rf"^(\s*{key}:)[^#\n]*", rf"\g<1> {value} ", text, flags=re.MULTILINE)
        assert replaced == 1, f"'{key}' is {replaced} times in the example"
    return text


def network(mac, address):
    return f"[Match]\nMACAddress={mac}\n[Network]\nAddress={address}/24\nConfigureWithoutCarrier=yes\n"


def make_setup_disk(path, box, psk, changes=None, more=None):
    make_disk(path, {"cloister.yaml": configuration(box, changes or {}), "psk": psk + "\n", **(more or {}),
                     **{f"{side}.network": network(*BOXES[box][side]) for side in ("black", "red")}})


def make_update_disk(path, update):
    """With a directory as image/make makes it."""
    make_disk(path, {}, megabytes=16 + sum(file.stat().st_size for file in update.iterdir()) // (1 << 20))
    subprocess.run(["mcopy", "-s", "-i", str(path), str(update), "::update"], check=True, capture_output=True)


def make_disk(path, files, label="CLOISTER", megabytes=4):
    """With these files, text or bytes, by name."""
    with open(path, "wb") as disk:
        disk.truncate(megabytes << 20)
    subprocess.run(["mkfs.vfat", "-n", label, str(path)], check=True, capture_output=True)
    for name, text in files.items():
        content = text.encode() if isinstance(text, str) else text
        subprocess.run(["mcopy", "-i", str(path), "-", f"::{name}"], input=content, check=True, capture_output=True)
