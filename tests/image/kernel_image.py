"""The kernel image on a machine's disk: taken off it, changed, signed, put back."""

import json
import subprocess
import sys
import tempfile
from pathlib import Path

from machine import CHECKOUT

sys.path.insert(0, str(CHECKOUT / "image"))
from kernel_sections import measured_files, sections

KEYS = Path("/run/keys")  # what signed the image, where image/enter has mounted it
# What lets firmware or hypervisor start anything; of the same length, so that nothing else in the kernel image moves.
CREDENTIALS = (b"systemd.import_credentials=no", b"systemd.import_credentials=on")


def run(*command):
    return subprocess.run([str(word) for word in command], check=True, capture_output=True, text=True).stdout


class KernelImage:
    """One that lies in a file of the test's; its signature is taken off."""

    def __init__(self, file):
        self.file = file
        run("sbattach", "--remove", self.file)

    def change(self, old, new):
        content = self.file.read_bytes()
        assert len(old) == len(new) and content.count(old) == 1, f"{old} is {content.count(old)} times in the kernel image"
        self.file.write_bytes(content.replace(old, new))

    def sign(self, keys):
        """With the Secure Boot key of a directory as image/keys makes it."""
        run("sbsign", "--key", keys / "secure-boot.key", "--cert", keys / "secure-boot.crt", "--output", self.file, self.file)

    def sign_for_tpm(self, keys, generation=None):
        """What PCR 11 may be, signed anew by the PCR key of such a directory: the signatures are as long as before. The generation is that of
        before, or another of as many digits."""
        parts = sections(self.file)
        before = parts["pcrsig"]
        if generation is None:
            generation = next(policy["generation"] for policy in json.loads(before)["sha256"] if "generation" in policy)
        with tempfile.TemporaryDirectory() as directory:
            signed = json.loads(run(CHECKOUT / "image/measure", generation, "sign", "--bank=sha256", f"--private-key={keys / 'pcr.key'}",
                                    f"--certificate={keys / 'pcr.crt'}", *measured_files(parts, directory)))
        after = json.dumps(signed).encode()
        assert len(json.dumps(json.loads(before))) == len(after), f"signatures were {before[:400]}, are {after[:400]}"
        self.file.write_bytes(self.file.read_bytes().replace(before, after.ljust(len(before))))


class BootPartition:
    """Of a machine that is off."""

    def __init__(self, machine):
        self.machine = machine
        start, _ = machine.partition("esp")
        self.esp = f"{machine.disk}@@{start}"

    def kernels(self):
        """Names of the kernel images, with the count of their starts."""
        return [name.rsplit("/", 1)[1] for name in run("mdir", "-b", "-i", self.esp, "::EFI/Linux").split()]

    def take(self, name, file):
        run("mcopy", "-n", "-i", self.esp, f"::EFI/Linux/{name}", file)

    def put(self, file, name, directory="Linux"):
        run("mcopy", "-o", "-i", self.esp, file, f"::EFI/{directory}/{name}")

    def remove(self, name):
        run("mdel", "-i", self.esp, f"::EFI/Linux/{name}")

    def rename(self, name, other):
        run("mren", "-i", self.esp, f"::EFI/Linux/{name}", f"::EFI/Linux/{other}")

    def fill(self, megabytes):
        file = self.machine.directory / "filler"
        with open(file, "wb") as filler:
            filler.truncate(megabytes << 20)
        run("mcopy", "-o", "-i", self.esp, file, "::filler")


class KernelOnDisk(KernelImage):
    """The only one of a machine that is off."""

    def __init__(self, machine):
        self.partition = BootPartition(machine)
        (self.name,) = self.partition.kernels()
        file = machine.directory / "kernel.efi"
        self.partition.take(self.name, file)
        super().__init__(file)

    def put_back(self):
        self.partition.put(self.file, self.name)


def allow_credentials(machine):
    """The image's kernel with one word of its command line changed, by who has all its keys: what lets a test start something inside."""
    kernel = KernelOnDisk(machine)
    kernel.change(*CREDENTIALS)
    kernel.sign_for_tpm(KEYS)
    kernel.sign(KEYS)
    kernel.put_back()
