"""A box that `first_boot` has set up, kept for the tests that begin with one."""

import shutil

from machine import CHECKOUT, Failed, Machine
from setup_disk import BOXES

KEPT = CHECKOUT / "build/image-test/kept"
UUID = "6f1d3a52-9a35-4c3e-8a51-0d5f3a1c7e01"
READY = "Started cloister.service"
NETWORKS = [BOXES["geneva"][side][0] for side in ("black", "red")]


def keep(machine, fingerprint):
    """`machine` is off."""
    shutil.rmtree(KEPT, ignore_errors=True)
    machine.like("kept", directory=KEPT)
    (KEPT / "fingerprint").write_text(fingerprint)


class Kept:
    """Each test has copies of its own: what is kept is never started."""

    def __init__(self, directory, image, machines):
        if not (KEPT / "fingerprint").exists():
            raise Failed("there is no box that was set up: first_boot makes it")
        self.directory, self.machines = directory, machines
        self.fingerprint = (KEPT / "fingerprint").read_text()
        self.box = Machine("kept", KEPT, image, UUID, networks=NETWORKS)

    def copy(self, name, **changes):
        self.machines.append(machine := self.box.like(name, directory=self.directory / name, **changes))
        return machine
