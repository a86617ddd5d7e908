"""Two boxes, a fibre and the networks around them, in network namespaces of their own.

    host geneva ── box geneva ══ black network (bridge, watched) ══ box paris ── host paris
     192.0.2.10    192.0.2.1                                       198.51.100.1   198.51.100.10
                   203.0.113.1                                     203.0.113.2
                        └────────────── cloister-fibre ────────────────┘

Everything that is started here ends with the Lab, on any exit.
"""

import itertools
import json
import os
import re
import shutil
import signal
import subprocess
import tempfile
import time
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[2]

BOXES = {
    "geneva": {"black": "203.0.113.1", "red": "192.0.2.1", "host": "192.0.2.10", "far": "198.51.100.10", "tpm_port": 2421,
               "black6": "2001:db8:0:b::1", "red6": "2001:db8:0:1::1", "host6": "2001:db8:0:1::10", "far6": "2001:db8:0:2::10"},
    "paris": {"black": "203.0.113.2", "red": "198.51.100.1", "host": "198.51.100.10", "far": "192.0.2.10", "tpm_port": 2431,
              "black6": "2001:db8:0:b::2", "red6": "2001:db8:0:2::1", "host6": "2001:db8:0:2::10", "far6": "2001:db8:0:1::10"},
}

# What the laboratory's link is: 1 GHz, and a real link's losses.
FIBRE = ["--length-km", "75", "--attenuation-db-per-km", "0.2", "--efficiency", "0.15", "--dark-count-probability", "1e-7",
         "--misalignment", "0.01"]


class Failed(Exception):
    """A step did not hold; the text says which and what was seen."""


def missing_parts():
    """What the machine lacks for a laboratory, in words; empty when it has all."""
    missing = []
    if not os.path.exists("/dev/net/tun"):
        missing.append("/dev/net/tun (the kernel's TUN driver)")
    allowed = lambda *command: subprocess.run(["unshare", *command], capture_output=True).returncode == 0
    if not allowed("-n", "true"):
        missing.append("network namespaces")
    else:
        if not allowed("-n", "ip", "tuntap", "add", "mode", "tun", "name", "probe"):
            missing.append("the right to make TUN interfaces (is /dev/net/tun open to this user?)")
        if not allowed("-nm", "mount", "-t", "sysfs", "none", "/sys"):
            missing.append("mounts in namespaces")
    return " and ".join(missing)


class Lab:
    numbers = itertools.count()  # one process may have several at once

    def __init__(self, programs=None, environment=None):
        self.programs = Path(programs or CHECKOUT / "build/release/bin")
        self.environment = {**os.environ, **(environment or {})}
        self.directory = Path(tempfile.mkdtemp(prefix="cloister-"))
        self.tag = f"cl{os.getpid() % 100000}{next(Lab.numbers)}"
        self.processes = {}
        self.namespaces = []

    # Commands and processes.

    def run(self, *command, namespace=None, check=True, **options):
        command = [str(part) for part in command]
        if namespace:
            command = ["ip", "netns", "exec", self.namespace(namespace), *command]
        done = subprocess.run(command, capture_output=True, text=True, env=self.environment, **options)
        if check and done.returncode != 0:
            raise Failed(f"'{' '.join(command)}' ended with status {done.returncode}: {(done.stderr or done.stdout).strip()}")
        return done

    def start(self, name, *command, namespace=None):
        command = [str(part) for part in command]
        if namespace:
            command = ["ip", "netns", "exec", self.namespace(namespace), *command]
        log = open(self.directory / f"{name}.log", "ab")
        self.processes[name] = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=self.environment)
        log.close()
        return self.processes[name]

    def stop(self, name, how=signal.SIGTERM):
        process = self.processes.pop(name, None)
        if process is None or process.poll() is not None:
            return
        process.send_signal(how)
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    def log(self, name, lines=15):
        path = self.directory / f"{name}.log"
        return "\n".join(path.read_text(errors="replace").splitlines()[-lines:]) if path.exists() else ""

    def wait(self, what, condition, seconds):
        """Waits for an event; polling is on this side of the looking glass only."""
        deadline = time.monotonic() + seconds
        while True:
            value = condition()
            if value:
                return value
            for name, process in self.processes.items():
                if name.startswith(("cloisterd", "netd", "fibre", "swtpm")) and process.poll() is not None:
                    raise Failed(f"{name} ended with status {process.returncode} while waiting for {what}:\n{self.log(name)}")
            if time.monotonic() > deadline:
                logs = "\n".join(f"--- {name}\n{self.log(name)}" for name in self.processes if name.startswith(("cloisterd", "netd", "fibre")))
                raise Failed(f"{what}: not within {seconds} s\n{logs}")
            time.sleep(0.1)

    # Networks.

    def namespace(self, name):
        return f"{self.tag}-{name}"

    def add_namespace(self, name):
        self.run("ip", "netns", "add", self.namespace(name))
        self.namespaces.append(name)
        self.run("ip", "link", "set", "lo", "up", namespace=name)

    def cable(self, one, one_interface, other, other_interface):
        self.run("ip", "link", "add", one_interface, "netns", self.namespace(one), "type", "veth", "peer", "name", other_interface, "netns",
                 self.namespace(other))
        self.run("ip", "link", "set", one_interface, "up", namespace=one)
        self.run("ip", "link", "set", other_interface, "up", namespace=other)

    def networks(self):
        self.add_black_network()
        self.run("ip", "address", "add", "203.0.113.66/24", "dev", "black", namespace="black")  # a stranger on the black network
        for box, addresses in BOXES.items():
            self.add_networks_of(box, addresses, next(a["black"] for b, a in BOXES.items() if b != box))

    def add_black_network(self):
        self.add_namespace("black")
        self.run("ip", "link", "add", "black", "type", "bridge", namespace="black")
        self.run("ip", "link", "set", "black", "up", namespace="black")

    def add_networks_of(self, box, addresses, gateway):
        """A box on the black network, and the host behind it."""
        host = f"host-{box}"
        self.add_namespace(box)
        self.add_namespace(host)
        self.cable(host, "red", box, "red")
        self.cable(box, "black", "black", f"to-{box}")
        self.run("ip", "link", "set", f"to-{box}", "master", "black", namespace="black")
        self.run("ip", "address", "add", f"{addresses['host']}/24", "dev", "red", namespace=host)
        self.run("ip", "route", "add", "default", "via", addresses["red"], namespace=host)
        self.run("ip", "address", "add", f"{addresses['red']}/24", "dev", "red", namespace=box)
        self.run("ip", "address", "add", f"{addresses['black']}/24", "dev", "black", namespace=box)
        # A default route towards the black network, so that a packet that missed the tunnel would be seen there.
        self.run("ip", "route", "add", "default", "via", gateway, namespace=box)
        self.run("sysctl", "-q", "-w", "net.ipv4.ip_forward=1", namespace=box)

    def add_ipv6(self):
        """To all these networks, each address by its last group like IPv4's by its last byte; whether a tunnel carries it, a configuration says."""
        for box, addresses in BOXES.items():
            host = f"host-{box}"
            for namespace, interface, address in ((host, "red", "host6"), (box, "red", "red6"), (box, "black", "black6")):
                self.run("ip", "address", "add", f"{addresses[address]}/64", "dev", interface, "nodad", namespace=namespace)
            self.run("ip", "route", "add", "default", "via", addresses["red6"], namespace=host)
            self.run("ip", "route", "add", "default", "via", next(a["black6"] for b, a in BOXES.items() if b != box), namespace=box)
            self.run("sysctl", "-q", "-w", "net.ipv6.conf.all.forwarding=1", namespace=box)

    # The boxes' parts.

    def start_tpms(self):
        for box, facts in BOXES.items():
            state = self.directory / f"tpm-{box}"
            state.mkdir()
            port = facts["tpm_port"]
            self.start(f"swtpm-{box}", "swtpm", "socket", "--tpm2", "--tpmstate", f"dir={state}", "--server",
                       f"type=tcp,port={port},bindaddr=127.0.0.1", "--ctrl", f"type=tcp,port={port + 1},bindaddr=127.0.0.1", "--flags",
                       "not-need-init,startup-clear", namespace=box)
            self.wait(f"TPM of {box}", lambda port=port, box=box: f":{port} " in self.run("ss", "-tln", namespace=box).stdout, 10)

    def tcti(self, box):
        return f"swtpm:host=127.0.0.1,port={BOXES[box]['tpm_port']}"

    def share_psk(self):
        """What the courier does: a fresh PSK, sealed in one TPM, carried to the other."""
        blobs = {box: self.directory / f"{box}.psk" for box in BOXES}
        shown = self.run(self.programs / "cloisterctl", "psk", "generate", "--force", "--tpm", self.tcti("geneva"), "--output", blobs["geneva"],
                         namespace="geneva").stdout
        self.run(self.programs / "cloisterctl", "psk", "import", "--tpm", self.tcti("paris"), "--output", blobs["paris"], namespace="paris", input=shown)

    def capture(self, name, interface, namespace, *words):
        """The packets of an interface from now on, as a file, until `name` is stopped; `words` are tcpdump's."""
        pcap = self.directory / f"{name}.pcap"
        self.start(name, "tcpdump", "--immediate-mode", "-U", "-n", "-i", interface, "-w", pcap, *words, namespace=namespace)
        self.wait(name, lambda: "listening" in self.log(name), 20)
        return pcap

    def fibre_socket(self):
        return self.directory / "fibre.sock"

    def start_fibre(self, options=None):
        self.start("fibre", self.programs / "cloister-fibre", "--socket", self.fibre_socket(), "--control", self.directory / "fibre-control.sock",
                   *(options or FIBRE))
        self.wait("the fibre", lambda: self.fibre_socket().exists(), 10)

    def fibre(self, *command):
        done = self.run(self.programs / "cloister-fibre", "ctl", "--control", self.directory / "fibre-control.sock", *command)
        return json.loads(done.stdout)

    def configure(self, changes=None, quarantine="300ms"):
        """The documentation's example of each box, with the laboratory's paths in it, and with less to wait for."""
        for box in BOXES:
            state = self.directory / f"state-{box}"
            state.mkdir(exist_ok=True)
            peer = next(other for other in BOXES if other != box)
            settings = {
                "state_directory": state,
                "control_socket": self.control_socket(box),
                "network_socket": self.network_socket(box),
                "tcti": f'"{self.tcti(box)}"',
                "psk": self.directory / f"{box}.psk",
                "socket": self.fibre_socket(),
                "rekey_interval": "2s",
                "key_lifetime": "5s",
                "stock": 8,
                **(changes or {}),
            }
            text = (CHECKOUT / f"docs/examples/{box}.yaml").read_text()
            for key, value in settings.items():
                text, replaced = re.subn(rf"^(\s*(?:- )?{key}:)[^#\n]*", rf"\g<1> {value} ", text, flags=re.MULTILINE)
                if replaced != 1:
                    raise Failed(f"docs/examples/{box}.yaml has the key '{key}' {replaced} times, expected once")
            (self.directory / f"{box}.yaml").write_text(text)
            assert peer in text
            self.set_key(box, "device", "quarantine", quarantine)

    def set_key(self, box, section, key, value):
        """In the box's configuration, a key of the link's section, whether or not it is there."""
        file = self.directory / f"{box}.yaml"
        lines = [line for line in file.read_text().splitlines() if not line.strip().startswith(f"{key}:")]
        at = next(i for i, line in enumerate(lines) if line.strip() == f"{section}:")
        indent = " " * (len(lines[at + 1]) - len(lines[at + 1].lstrip()))
        lines.insert(at + 1, f"{indent}{key}: {value}")
        file.write_text("\n".join(lines) + "\n")

    def add_pad_tunnel(self, pad):
        """Beside the first one, for the upper half of its networks: one under one-time pads."""
        halves = {"geneva": "192.0.2.128/25", "paris": "198.51.100.128/25"}
        for box, facts in BOXES.items():
            peer = next(other for other in BOXES if other != box)
            with open(self.directory / f"{box}.yaml", "a") as file:
                file.write(f"""  - name: vault
    link: geneva-paris
    local_subnets: [{halves[box]}]
    remote_subnets: [{halves[peer]}]
    local_endpoint: {facts["black"]}:4500
    peer_endpoint: {BOXES[peer]["black"]}:4500
    cipher: one-time-pad
    pad: {pad}
""")

    def sealed_reserves_filled(self):
        return all((self.link(box) or {}).get("sealed_restarts") == 8 for box in BOXES)

    def bind(self, box, generations=False):
        """The box's configuration, bound to PCRs 7 and 11 by a fresh policy key, as another file."""
        key, public = self.directory / "policy.key", self.directory / "policy.pem"
        self.run("openssl", "genrsa", "-out", key, "2048")
        self.run("openssl", "rsa", "-in", key, "-pubout", "-out", public)
        text = (self.directory / f"{box}.yaml").read_text()
        bound = self.directory / f"{box}-bound.yaml"
        bound.write_text(text.replace("\ntpm:\n", f"\ntpm:\n  pcrs: [7, 11]\n  policy_key: {public}\n  policy_signatures: {self.directory}/policy.json\n"
                                      f"  generations: {str(generations).lower()}\n", 1))
        return bound

    def add_configuration(self, text):
        """For all boxes, which lie beside each other: a file of conf.d."""
        directory = self.directory / "conf.d"
        directory.mkdir(exist_ok=True)
        (directory / "more.yaml").write_text(text)

    def control_socket(self, box):
        return self.directory / f"{box}-control.sock"

    def network_socket(self, box):
        return self.directory / f"{box}-network.sock"

    def start_network(self, box):
        """cloister-netd, once for a box: it reads the configuration anew whenever the service starts."""
        if f"netd-{box}" in self.processes:
            return
        self.network_socket(box).unlink(missing_ok=True)  # of one that was killed
        self.start(f"netd-{box}", self.programs / "cloister-netd", "--config", self.directory / f"{box}.yaml", namespace=box)
        self.wait(f"cloister-netd of {box}", lambda: self.network_socket(box).exists(), 10)

    def service(self, box):
        """The service's command line: root's files are its own, it has no capability, and may lock its secrets, as its unit lets it, where
        this machine's root may raise that limit; elsewhere it goes on without."""
        return ["sh", "-c", 'ulimit -l 307200 2> /dev/null || set -- "$@" --unlocked; exec "$@"', "sh", "setpriv", "--bounding-set=-all", "--inh-caps=-all", self.programs / "cloisterd", "--config",
                self.directory / f"{box}.yaml"]

    def start_box(self, box):
        self.start_network(box)
        self.start(f"cloisterd-{box}", *self.service(box), namespace=box)

    def stays_closed(self, box):
        """The alarm of a box that is up and has no secrets: its links have nobody, its tunnels let nothing pass."""
        status = self.wait(f"{box}, closed", lambda: self.status(box), 30)
        if status["state"] != "no secrets" or any(tunnel["state"] != "blocked" for tunnel in status["tunnels"]) or status["secret_memory_used_bytes"]:
            raise Failed(f"a box without secrets says: {status}")
        return self.event(box, "SECRETS_CLOSED")

    def status(self, box):
        done = self.run(self.programs / "cloisterctl", "--socket", self.control_socket(box), "status", "--json", check=False)
        return json.loads(done.stdout) if done.returncode == 0 else None

    def link(self, box):
        status = self.status(box)
        return status["links"][0] if status else None

    def accounts(self, box):
        """The box's account log."""
        (log,) = (self.directory / f"state-{box}").glob("*.accounts.jsonl")
        return [json.loads(line) for line in log.read_text().splitlines()]

    def tunnel(self, box):
        status = self.status(box)
        return status["tunnels"][0] if status else None

    def event(self, box, code, after=0):
        """The first event of that code, after the event of number `after`."""
        status = self.status(box) or {"events": []}
        return next((event for event in status["events"] if event["code"] == code and event["number"] > after), None)

    def last_event_number(self, box):
        status = self.status(box)
        return status["events"][-1]["number"] if status and status["events"] else 0

    # The end.

    def close(self, keep_files=False):
        for name in list(self.processes)[::-1]:
            self.stop(name)
        for name in self.namespaces[::-1]:
            self.run("ip", "netns", "delete", self.namespace(name), check=False)
        if not keep_files:
            shutil.rmtree(self.directory, ignore_errors=True)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()
