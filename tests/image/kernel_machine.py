"""Debian's kernel alone in a virtual machine: it starts from a small initrd, has this build root, read only, as its own, and a shell at its serial line.

The kernel and its modules are the appliance's.
"""

import shutil
import socket
import subprocess
import time
from pathlib import Path

from machine import Failed, accelerator

APPLIANCE = Path("/run/appliance")  # where image/enter has mounted it
TOOLS = ["/usr/bin/dash", "/usr/bin/mount", "/usr/bin/kmod", "/usr/sbin/switch_root"]
START = """#!/usr/bin/dash
export PATH=/usr/bin:/usr/sbin
mount -t proc proc /proc
mount -t sysfs sys /sys
while read -r module; do insmod /modules/$module || exit; done < /modules/order
mount -t 9p -o trans=virtio,version=9p2000.L,ro,cache=loose root /system
mount -t devtmpfs dev /system/dev
mount -t proc proc /system/proc
mount -t sysfs sys /system/sys
mount -t tmpfs run /system/tmp
exec switch_root /system /usr/bin/bash -c 'export PATH=/usr/sbin:/usr/bin HOME=/tmp
  exec < /dev/ttyS0 > /dev/ttyS0 2>&1; stty raw -echo; echo "the shell is there"
  while read -r line; do eval "$line"; echo "--status $?--"; done'
"""


class KernelMachine:
    """`within`: the command that QEMU is run by; `tap`: the interface there that the machine's eth0 is joined to."""

    def __init__(self, directory, log, modules, within, tap):
        self.directory, self.log_path = Path(directory), Path(log)
        self.process, self.connection, self.said = None, None, ""
        self.version = next((APPLIANCE / "lib/modules").iterdir()).name
        initrd = self.make_initrd(["9pnet_virtio", "9p", *modules])
        serial = self.directory / "serial.sock"
        self.process = subprocess.Popen(
            [*within, "qemu-system-x86_64", "-machine", "q35", *accelerator()[1], "-smp", "2", "-m", "512", "-nodefaults", "-display", "none", "-no-user-config",
             "-kernel", APPLIANCE / f"boot/vmlinuz-{self.version}", "-initrd", initrd, "-append", "console=ttyS0 quiet panic=-1 reboot=t rdinit=/init", "-no-reboot",
             "-chardev", f"socket,id=serial,path={serial},server=on,wait=on,logfile={log}", "-serial", "chardev:serial",
             "-fsdev", "local,id=root,path=/,security_model=none,readonly=on,multidevs=remap", "-device", "virtio-9p-pci,fsdev=root,mount_tag=root",
             "-netdev", f"tap,id=net,ifname={tap},script=no,downscript=no", "-device", "virtio-net-pci,netdev=net,romfile=", "-device", "virtio-rng-pci"],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=open(self.directory / "emulator.log", "ab"))
        while not serial.exists():
            if self.process.poll() is not None:
                raise Failed(f"the machine did not start: {(self.directory / 'emulator.log').read_text()}")
            time.sleep(0.01)
        self.connection = socket.socket(socket.AF_UNIX)
        self.connection.connect(str(serial))
        try:
            self.wait("the shell is there", 180)
        except Failed:
            self.__exit__()
            raise

    def make_initrd(self, modules):
        tree = self.directory / "initrd"
        for name in ("proc", "sys", "dev", "system", "modules", "usr/bin"):
            (tree / name).mkdir(parents=True)
        for tool in TOOLS:
            libraries = subprocess.run(["ldd", tool], capture_output=True, text=True, check=True).stdout
            for file in [tool, *(word for word in libraries.split() if word.startswith("/"))]:
                (tree / file.lstrip("/")).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(file, tree / file.lstrip("/"))
        (tree / "usr/bin/insmod").symlink_to("kmod")
        order = []
        for module in modules:
            shown = subprocess.run(["modprobe", "-d", APPLIANCE, "-S", self.version, "--show-depends", module], capture_output=True, text=True, check=True).stdout
            order += [line.split()[1] for line in shown.splitlines() if line.startswith("insmod")]
        order = list(dict.fromkeys(order))
        for file in order:
            shutil.copy(file, tree / "modules")
        (tree / "modules/order").write_text("".join(f"{Path(file).name}\n" for file in order))
        (tree / "init").write_text(START)
        (tree / "init").chmod(0o755)
        files = "\n".join(str(path.relative_to(tree)) for path in sorted(tree.rglob("*")))
        packed = subprocess.run(["cpio", "--quiet", "-o", "-H", "newc", "-D", tree], input=files.encode(), capture_output=True, check=True).stdout
        file = self.directory / "initrd.cpio"
        file.write_bytes(packed)
        return file

    def wait(self, text, seconds):
        """What the serial line said up to this text."""
        self.connection.settimeout(1)
        deadline = time.monotonic() + seconds
        while text not in self.said:
            if self.process.poll() is not None or time.monotonic() > deadline:
                raise Failed(f"the machine did not say '{text}' within {seconds} s; its serial line is in '{self.log_path}'; last: {self.said[-400:]}")
            try:
                self.said += self.connection.recv(65536).decode(errors="replace")
            except TimeoutError:
                pass
        before, _, self.said = self.said.partition(text)
        return before

    def run(self, line, seconds=60):
        """One line of shell; what it said."""
        self.connection.sendall(line.encode() + b"\n")
        said, status = self.wait("--status ", seconds), self.wait("--", seconds)
        if status != "0":
            raise Failed(f"in the machine, '{line[:200]}' ended with status {status}: {said.strip()}")
        return said

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process:
            self.process.kill()
            self.process.wait()
        if self.connection:
            self.connection.close()
