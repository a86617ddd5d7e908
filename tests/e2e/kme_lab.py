"""Two boxes whose keys come from a pair of key management entities (KMEs, ETSI GS QKD 014), each in its box's own site.

    KME geneva ◀─ mutual TLS ─ box geneva ══ black network ══ box paris ─ mutual TLS ─▶ KME paris
         └──────────────────────── their QKD link: a directory ─────────────────────────────┘
"""

import json
import re
import sys
import time
from pathlib import Path

from kme import Authority
from lab import BOXES, Failed, Lab

PORT = 8443
OTHER = {"geneva": "paris", "paris": "geneva"}
ROLES = {"geneva": "alice", "paris": "bob"}


def expect(holds, what):
    if not holds:
        raise Failed(what)


def said(text):
    print(text, flush=True)


class KmeLab(Lab):
    def prepare(self):
        self.networks()
        self.start_tpms()
        self.share_psk()
        self.start_kmes()

    def start_kmes(self):
        self.kmes = self.directory / "kmes"
        self.authority = Authority(self.run, self.kmes)
        self.clients = {box: self.authority.issue(f"{box}-sae") for box in BOXES}
        self.servers = {box: self.authority.issue(f"kme-{box}", address="127.0.0.1") for box in BOXES}
        for box in BOXES:
            self.start_kme(box)

    def start_kme(self, box, certificate=None):
        shown, key = certificate or self.servers[box]
        self.start(f"kme-{box}", sys.executable, Path(__file__).parent / "kme.py", "--port", PORT, "--name", box, "--directory", self.kmes, "--sae", f"{box}-sae",
                   "--peer-sae", f"{OTHER[box]}-sae", "--certificate", shown, "--key", key, "--ca", self.authority.root, namespace=box)
        self.wait(f"the KME of {box}", lambda: f":{PORT} " in self.run("ss", "-tln", namespace=box).stdout, 10)

    def fault(self, box, **fault):
        file = self.kmes / f"{box}.fault"
        file.with_suffix(".new").write_text(json.dumps(fault))
        file.with_suffix(".new").rename(file)

    def counts(self, box):
        return json.loads((self.kmes / f"{box}.counts").read_text())

    def clear(self, *boxes):
        for box in boxes:
            (self.kmes / f"{box}.fault").unlink(missing_ok=True)

    def key_rate(self, keys_per_second):
        """How many keys both KMEs make in a second, from now on; from a stock that is empty."""
        for box in BOXES:
            (self.kmes / f"{box}.rate").write_text(json.dumps({"since": time.time(), "keys_per_second": keys_per_second}))

    def finished_keys(self, box, **changes):
        """The device's section of a box; a value of None leaves a key out."""
        certificate, key = self.clients[box]
        kme = {"url": f"https://127.0.0.1:{PORT}", "own_sae": f"{box}-sae", "peer_sae": f"{OTHER[box]}-sae", "ca": self.authority.root, "certificate": certificate,
               "key": key, "key_size": 256, "block_bits": 16640, **changes}
        lines = "".join(f"        {name}: {value}\n" for name, value in kme.items() if value is not None)
        return f"    device:\n      driver: etsi014\n      role: {ROLES[box]}\n      etsi014:\n{lines}"

    def configure_kmes(self, changes=None, settings=None):
        """The documentation's boxes, with finished keys in place of a fibre."""
        self.configure({"reserve": "1 KiB", **(settings or {})})
        for box in BOXES:
            path = self.directory / f"{box}.yaml"
            text, replaced = re.subn(r"^    device:\n.*?^tunnels:", lambda _, box=box: self.finished_keys(box, **(changes or {}).get(box, {})) + "\ntunnels:",
                                     path.read_text(), flags=re.MULTILINE | re.DOTALL)
            expect(replaced == 1, f"the example of {box} has no device")
            path.write_text(text)

    def pings(self, count=3):
        done = self.run("ping", "-n", "-c", count, "-i", "0.2", "-W", "2", BOXES["geneva"]["far"], namespace="host-geneva", check=False)
        return done.returncode == 0

    def new_blocks(self, what, seconds=60):
        made = self.link("paris")["blocks_made"]
        self.wait(what, lambda: self.link("paris")["blocks_made"] > made, seconds)

    def alarm(self, box, code, words, after, seconds=75):  # a KME is asked again after 60 s at most
        def found():
            status = self.status(box) or {"events": []}
            return next((event for event in status["events"] if event["code"] == code and event["number"] > after and words in event["text"]), None)
        event = self.wait(f"{code} with '{words}' on {box}", found, seconds)
        said(f"{code} on {box}:\n    {event['text']}")
        return event

    def stands(self, box, code):
        return any(alarm["code"] == code for alarm in self.status(box)["alarms"])

    def start_boxes(self):
        for box in BOXES:
            self.start_box(box)
        for box in BOXES:
            self.wait(f"the first key of {box}", lambda box=box: self.event(box, "FIRST_KEY"), 60)
            self.wait("QKD authentication", lambda box=box: self.link(box)["authenticated_by"] == "qkd", 60)
            self.wait("the tunnel", lambda box=box: self.tunnel(box)["state"] == "up", 60)

    def stop_boxes(self):
        for box in BOXES:
            self.stop(f"cloisterd-{box}")
