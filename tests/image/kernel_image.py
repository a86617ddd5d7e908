"""The kernel image on a machine's disk: taken off it, changed, signed, put back."""

import subprocess
from pathlib import Path

KEYS = Path("/run/keys")  # what signed the image, where image/enter has mounted it


def run(*command):
    return subprocess.run([str(word) for word in command], check=True, capture_output=True, text=True).stdout


class KernelImage:
    def __init__(self, machine):
        start, _ = machine.partition("esp")
        self.esp = f"{machine.disk}@@{start}"
        self.file = machine.directory / "kernel.efi"
        self.name = run("mdir", "-b", "-i", self.esp, "::EFI/Linux").split()[0]
        run("mcopy", "-n", "-i", self.esp, self.name, self.file)
        run("sbattach", "--remove", self.file)

    def change(self, old, new):
        content = self.file.read_bytes()
        assert len(old) == len(new) and content.count(old) == 1, f"{old} is {content.count(old)} times in the kernel image"
        self.file.write_bytes(content.replace(old, new))

    def sign(self, keys):
        """With the Secure Boot key of a directory as image/keys makes it."""
        run("sbsign", "--key", keys / "secure-boot.key", "--cert", keys / "secure-boot.crt", "--output", self.file, self.file)

    def put_back(self):
        run("mcopy", "-o", "-i", self.esp, self.file, self.name)
