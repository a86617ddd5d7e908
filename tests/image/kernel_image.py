"""The kernel image on a machine's disk: taken off it, changed, signed, put back."""

import json
import subprocess
from pathlib import Path

KEYS = Path("/run/keys")  # what signed the image, where image/enter has mounted it
# What systemd-stub measures of a kernel image, as systemd-measure(1) names it.
MEASURED = ["linux", "osrel", "cmdline", "initrd", "ucode", "splash", "dtb", "uname", "sbat", "pcrpkey", "profile", "hwids", "dtbauto"]
# What lets firmware or hypervisor start anything; of the same length, so that nothing else in the kernel image moves.
CREDENTIALS = (b"systemd.import_credentials=no", b"systemd.import_credentials=on")


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

    def sign_for_tpm(self, keys):
        """What PCR 11 may be, signed anew by the PCR key of such a directory: the signatures are as long as before."""
        import pefile  # the build root "image" has it; in the others these tests are skipped

        whole = pefile.PE(self.file, fast_load=True)
        sections = {section.Name.rstrip(b"\0").decode().lstrip("."): section for section in whole.sections}
        files = []
        for name in MEASURED:
            if name in sections:
                part = self.file.with_suffix(f".{name}")
                part.write_bytes(sections[name].get_data()[:sections[name].Misc_VirtualSize])
                files.append(f"--{name}={part}")
        signed = json.loads(run("/usr/lib/systemd/systemd-measure", "sign", "--bank=sha256", f"--private-key={keys / 'pcr.key'}",
                                f"--certificate={keys / 'pcr.crt'}", *files))
        place = sections["pcrsig"]
        before = place.get_data()[:place.Misc_VirtualSize]
        after = json.dumps(signed).encode()
        assert len(json.dumps(json.loads(before))) == len(after), f"signatures were {before[:400]}, are {after[:400]}"
        self.file.write_bytes(self.file.read_bytes().replace(before, after.ljust(len(before))))

    def put_back(self):
        run("mcopy", "-o", "-i", self.esp, self.file, self.name)


def allow_credentials(machine):
    """The image's kernel with one word of its command line changed, by who has all its keys: what lets a test start something inside."""
    kernel = KernelImage(machine)
    kernel.change(*CREDENTIALS)
    kernel.sign_for_tpm(KEYS)
    kernel.sign(KEYS)
    kernel.put_back()
