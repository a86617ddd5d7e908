"""What a box says of itself to whoever sends it a challenge on a disk, and what cloister-verify makes of that."""

import json
import re
import secrets
import subprocess

from machine import CHECKOUT, Failed

SHOWN = re.compile(r"attestation key ([0-9a-f]{64})")


class Challenge:
    def __init__(self):
        self.hex = secrets.token_hex(32)
        self.files = {"challenge": self.hex + "\n"}  # for the disk labelled CLOISTER

    def answered(self, machine, disk, image, patience):
        """Waits for the quote on the disk; gives what judges it: verdict(challenge, key), or of other measurements."""
        said, _ = machine.wait([SHOWN], patience)
        machine.wait(["cloister-attest.service: Deactivated", "Finished cloister-attest.service"], 60)
        quote = machine.directory / "quote.json"
        subprocess.run(["mcopy", "-n", "-o", "-i", str(disk), "::quote.json", str(quote)], check=True, capture_output=True)
        return Answer(quote, SHOWN.search(said)[1], image.with_name("cloister.measurements.json"))


class Answer:
    def __init__(self, quote, key, measurements):
        self.quote, self.key, self.measurements = quote, key, measurements

    def verdict(self, challenge, key=None, measurements=None):
        """Whether all holds, and what does not."""
        done = subprocess.run([CHECKOUT / "build/release/bin/cloister-verify", self.quote, "--measurements", measurements or self.measurements,
                               "--key", key or self.key, "--challenge", challenge, "--json"], capture_output=True, text=True)
        if done.returncode not in (0, 1):
            raise Failed(f"cloister-verify: {done.stderr}")
        said = json.loads(done.stdout)
        if said["good"] != (done.returncode == 0):
            raise Failed(f"cloister-verify ends with {done.returncode} and says {said}")
        return said["good"], "; ".join(finding["text"] for finding in said["findings"] if finding["holds"] == said["good"])
