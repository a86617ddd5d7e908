"""An appliance in a virtual machine: OVMF, a software TPM, the image's disk and what else is plugged in.

The image itself is only read: each machine has a copy. What its serial console says is the only way to know what goes on
inside; there is no other.
"""

import functools
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[2]
FIRMWARE = Path("/usr/share/OVMF")


LACKING = 77  # the test cannot run here
USB = ["-device", "qemu-xhci,id=usb"]  # where sticks are plugged into


class Failed(Exception):
    """A step did not hold; the text says which and what was seen."""


@functools.cache
def accelerator():
    """KVM where the firmware really runs by it, which that /dev/kvm opens does not prove; else emulation."""
    if os.access("/dev/kvm", os.R_OK | os.W_OK):
        kvm = ["-accel", "kvm", "-cpu", "host"]
        # Without a disk the firmware says on the serial line that there is nothing to start.
        probe = ["qemu-system-x86_64", *kvm, "-machine", "q35,smm=on", "-m", "256", "-display", "none", "-nodefaults", "-serial", "stdio", "-drive",
                 f"if=pflash,format=raw,unit=0,readonly=on,file={FIRMWARE}/OVMF_CODE_4M.secboot.fd"]
        try:
            seen = subprocess.run(probe, stdin=subprocess.DEVNULL, capture_output=True, timeout=10).stdout
        except subprocess.TimeoutExpired as ended:
            seen = ended.stdout or b""
        if b"Bds" in seen:
            return "KVM", kvm
    return "emulation", ["-accel", "tcg,thread=multi,tb-size=256", "-cpu", "max"]


def say(text):
    print(text, flush=True)


def tell(story):
    """Runs story(directory, image, machines), which puts each machine that it makes into that list; the exit status.

    The image is what `make image` wrote into the directory that the command line names. What the machines said is kept."""
    name = Path(sys.argv[0]).name
    signal.signal(signal.SIGTERM, out_of_time)
    if not shutil.which("qemu-system-x86_64"):
        say(f"{name}: no qemu here: run 'make test-image'")
        return LACKING
    image = Path(sys.argv[1]) / "cloister.raw"
    if not image.exists():
        say(f"{name}: '{image}' is missing: run 'make image' first")
        return LACKING
    Machine.logs = CHECKOUT / "build/image-test" / name
    shutil.rmtree(Machine.logs, ignore_errors=True)
    Machine.logs.mkdir(parents=True)
    say(f"machines by {accelerator()[0]}")
    begun, machines = time.monotonic(), []
    with tempfile.TemporaryDirectory(prefix="cloister-image-") as directory:
        try:
            story(Path(directory), image, machines)
        except Failed as failure:
            say(f"{name}: {failure}")
            for machine in machines:
                if machine.processes:
                    say(machine.last_lines())
            say(f"{name}: all that was said is in '{Machine.logs}'")
            return 1
        finally:
            for machine in machines:
                machine.stop()
    say(f"{name}: {time.monotonic() - begun:.0f} s")
    return 0


def out_of_time(*_):
    """CTest's signal; the machines must end with this, and what they said last be shown."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    raise Failed("out of time")


class Machine:
    logs = None  # where what consoles and emulators say is kept: `tell` makes it

    def __init__(self, name, directory, image, uuid, setup_disk=None, networks=(), fibre=None, within=(), memory_mb=768, more=(), disk_writable=False):
        """`networks`: a MAC each, on a network of its own with nobody on it, or (MAC, name of a TAP interface).
        `fibre`: the socket behind the serial port "cloister-fibre". `within`: the command that QEMU is run by; `more`: what else QEMU is told."""
        self.name = name
        self.directory = Path(directory)
        self.directory.mkdir(parents=True, exist_ok=True)
        self.image, self.uuid, self.setup_disk, self.networks = Path(image), uuid, setup_disk, networks
        self.fibre, self.within = fibre, list(within)
        self.disk_writable = disk_writable  # the set-up disk: a stick whose switch is set to write
        self.memory_mb, self.more = memory_mb, list(more)
        self.console_path = self.logs / f"{name}.console.log"
        self.trouble_path = self.logs / f"{name}.emulator.log"
        self.disk = self.directory / "disk.raw"
        self.variables = self.directory / "variables.fd"
        self.tpm_state = self.directory / "tpm"
        self.processes = []
        self.read_to = 0
        self.booted_at = 0  # where in what the console has said
        self.started = None

    def make(self):
        """A machine as it comes from the factory: empty firmware variables, a new TPM, the image on its disk, room behind it."""
        shutil.copy(FIRMWARE / "OVMF_VARS_4M.fd", self.variables)
        self.new_tpm()
        subprocess.run(["cp", "--sparse=always", str(self.image), str(self.disk)], check=True)
        os.truncate(self.disk, 2 << 30)

    def like(self, name, directory=None, **changes):
        """Another machine with what this one has in its disk, firmware variables and TPM."""
        other = Machine(name, directory or self.directory.parent / name, self.image, self.uuid,
                        **{"networks": self.networks, "memory_mb": self.memory_mb, "fibre": self.fibre, "within": self.within, **changes})
        subprocess.run(["cp", "--sparse=always", str(self.disk), str(other.disk)], check=True)
        shutil.copy(self.variables, other.variables)
        shutil.copytree(self.tpm_state, other.tpm_state)
        return other

    def partition(self, name):
        """Where a partition begins and how long it is, in bytes; the first of that name."""
        table = json.loads(subprocess.run(["sfdisk", "--json", str(self.disk)], check=True, capture_output=True).stdout)
        found = next(part for part in table["partitiontable"]["partitions"] if part.get("name", "").startswith(name))
        return found["start"] * 512, found["size"] * 512

    def new_tpm(self):
        shutil.rmtree(self.tpm_state, ignore_errors=True)
        self.tpm_state.mkdir()

    def start(self):
        tpm_socket = self.directory / "tpm.sock"
        tpm_socket.unlink(missing_ok=True)
        self.processes.append(subprocess.Popen(
            ["swtpm", "socket", "--tpm2", "--tpmstate", f"dir={self.tpm_state}", "--ctrl", f"type=unixio,path={tpm_socket}", "--terminate"],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=open(self.trouble_path, "ab")))
        while not tpm_socket.exists():
            if self.processes[-1].poll() is not None:
                raise Failed(f"{self.name}: swtpm did not start")
            time.sleep(0.01)
        command = [*self.within, "qemu-system-x86_64", "-name", self.name, "-machine", "q35,smm=on", *accelerator()[1], "-smp", "2",
                   "-m", str(self.memory_mb), "-uuid", self.uuid, "-nodefaults", "-display", "none", "-no-user-config",
                   # The firmware's variables are its own: the guest writes them only by System Management Mode.
                   "-global", "driver=cfi.pflash01,property=secure,value=on", "-global", "ICH9-LPC.disable_s3=1",
                   "-drive", f"if=pflash,format=raw,unit=0,readonly=on,file={FIRMWARE}/OVMF_CODE_4M.secboot.fd",
                   "-drive", f"if=pflash,format=raw,unit=1,file={self.variables}",
                   "-drive", f"if=none,id=disk,format=raw,file={self.disk},discard=unmap,cache=unsafe", "-device", "virtio-blk-pci,drive=disk,bootindex=1",
                   "-chardev", f"socket,id=tpm,path={tpm_socket}", "-tpmdev", "emulator,id=tpm,chardev=tpm", "-device", "tpm-crb,tpmdev=tpm",
                   "-chardev", f"socket,id=console,path={self.directory / 'console.sock'},server=on,wait=off,logfile={self.console_path},logappend=on", "-serial", "chardev:console",
                   "-device", "virtio-rng-pci",
                   "-qmp", f"unix:{self.directory / 'qmp.sock'},server=on,wait=off"]
        if self.setup_disk:
            command += ["-drive", f"if=none,id=setup,format=raw,readonly={'off' if self.disk_writable else 'on'},file={self.setup_disk}", "-device", "virtio-blk-pci,drive=setup"]
        for number, network in enumerate(self.networks):
            mac, tap = (network, None) if isinstance(network, str) else network
            behind = f"tap,id=net{number},ifname={tap},script=no,downscript=no" if tap else f"user,id=net{number},restrict=on"
            command += ["-netdev", behind, "-device", f"virtio-net-pci,netdev=net{number},mac={mac},romfile="]
        if self.fibre:
            command += ["-device", "virtio-serial-pci", "-chardev", f"socket,id=fibre,path={self.fibre},reconnect-ms=1000",
                        "-device", "virtserialport,chardev=fibre,name=cloister-fibre"]
        self.power_on_again()
        self.processes.append(subprocess.Popen(command + self.more, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                               stderr=open(self.trouble_path, "ab")))

    def power_on_again(self):
        self.started = time.monotonic()
        self.booted_at = len(self.console())

    def type(self, line):
        """On the serial line."""
        with socket.socket(socket.AF_UNIX) as keyboard:
            keyboard.connect(str(self.directory / "console.sock"))
            keyboard.sendall(line.encode() + b"\r")

    def cut_power(self):
        """For a moment."""
        self.monitor("system_reset")
        self.power_on_again()

    def console(self):
        return self.console_path.read_bytes().decode(errors="replace") if self.console_path.exists() else ""

    def wait(self, texts, seconds, unless=()):
        """Waits until the console says one of these, after what was waited for before; gives which, and the seconds since power-on. A text, or a
        compiled pattern.

        Stops at once where it says one of `unless`."""
        deadline = time.monotonic() + seconds
        while True:
            ended = [process for process in self.processes if process.poll() is not None]
            said = self.console()
            new = said[self.read_to:]
            found = [re.search(text if isinstance(text, re.Pattern) else re.escape(text), new) for text in texts]
            first = min(filter(None, found), key=lambda match: match.start(), default=None)
            for text in unless:
                if text in new:
                    raise Failed(f"{self.name}: the console said '{text}' while waiting for {texts}")
            if first:
                self.read_to += first.end()
                return first[0], time.monotonic() - self.started
            if ended:
                raise Failed(f"{self.name}: the machine ended while waiting for {texts}")
            if time.monotonic() > deadline:
                raise Failed(f"{self.name}: the console did not say {texts} within {seconds} s")
            time.sleep(0.1)

    def fingerprint(self):
        """What the console has last shown as the fingerprint of the box's key."""
        deadline = time.monotonic() + 60
        while not (shown := re.findall(r"^([0-9a-f]{64})\r?$", self.console()[self.booted_at:], re.MULTILINE)):
            if time.monotonic() > deadline:
                raise Failed(f"{self.name}: the console shows no fingerprint")
            time.sleep(0.1)
        return shown[-1]

    def last_lines(self, count=40):
        trouble = self.trouble_path.read_text(errors="replace") if self.trouble_path.exists() else ""
        return trouble + "\n".join(f"    {self.name}| {line}" for line in self.console().splitlines()[-count:])

    def monitor(self, command, then=None, **arguments):
        """One QMP command; then waits for the event of that name."""
        with socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(60)
            connection.connect(str(self.directory / "qmp.sock"))
            lines, said = connection.makefile("rw"), []
            try:
                lines.readline()
                for request in ({"execute": "qmp_capabilities"}, {"execute": command, "arguments": arguments}):
                    lines.write(json.dumps(request) + "\n")
                    lines.flush()
                    while not said or not {"return", "error"} & set(said[-1]):
                        said.append(json.loads(lines.readline()))
                    if "error" in said[-1]:
                        raise Failed(f"{self.name}: {command}: {said[-1]['error']['desc']}")
                    said.append({})
                while then and not any(one.get("event") == then for one in said):
                    said.append(json.loads(lines.readline()))
            except TimeoutError:
                raise Failed(f"{self.name}: {command}: no {then or 'answer'} within a minute") from None

    def plug(self, disk, writable=False):
        """A USB stick, into a machine that was told to have a controller (`USB`)."""
        self.monitor("blockdev-add", **{"node-name": "stick", "driver": "raw", "read-only": not writable,
                                        "file": {"driver": "file", "filename": str(disk), "read-only": not writable}})
        self.monitor("device_add", driver="usb-storage", id="stick", bus="usb.0", drive="stick")

    def unplug(self):
        self.monitor("device_del", then="DEVICE_DELETED", id="stick")
        self.monitor("blockdev-del", **{"node-name": "stick"})

    def stop(self):
        """As by pulling the plug."""
        for process in self.processes[::-1]:
            process.kill()
            process.wait()
        self.processes.clear()
