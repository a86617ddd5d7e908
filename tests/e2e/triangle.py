"""Three boxes with a link between each two, a host behind each, and FRR's OSPF over the tunnels.

                      host geneva
                          │
                     box geneva
                    ╱           ╲            each line: a fibre, a classical channel, a tunnel with 'routing: kernel';
    host paris ─ box paris ──── box rome ─ host rome        one black network (bridge, watched) carries all
"""

import json
import shutil

from lab import Lab

BOXES = {
    "geneva": {"number": 1, "black": "203.0.113.1", "red": "192.0.2.1", "host": "192.0.2.10", "subnet": "192.0.2.0/24"},
    "paris": {"number": 2, "black": "203.0.113.2", "red": "198.51.100.1", "host": "198.51.100.10", "subnet": "198.51.100.0/24"},
    "rome": {"number": 3, "black": "203.0.113.3", "red": "198.18.0.1", "host": "198.18.0.10", "subnet": "198.18.0.0/24"},
}
LINKS = [("geneva", "paris"), ("geneva", "rome"), ("paris", "rome")]

# A tenth of the laboratory's pulses, so that three fibres and six ends fit on two cores.
CLOCK = "100 MHz"
FIBRE = ["--length-km", "50", "--attenuation-db-per-km", "0.2", "--efficiency", "0.15", "--dark-count-probability", "1e-7", "--misalignment", "0.01"]

FRR = "/usr/lib/frr"


def link_section(box, pair, number, directory):
    peer = next(end for end in pair if end != box)
    name = "-".join(pair)
    return f"""  - name: {name}
    peer: {peer}
    local_address: {BOXES[box]["black"]}:{7400 + number}
    peer_address: {BOXES[peer]["black"]}:{7400 + number}
    bootstrap:
      psk: {directory}/{box}-{name}.psk
    authentication:
      reserve: 4 KiB
    device:
      driver: simulator
      role: {"alice" if box == pair[0] else "bob"}
      socket: {directory}/{name}.sock
      clock: {CLOCK}
"""


def tunnel_section(box, pair, number, terms):
    peer = next(end for end in pair if end != box)
    return f"""  - name: {"-".join(pair)}
    link: {"-".join(pair)}
    interface: cl-{peer}
    routing: kernel
    addresses: [10.255.{number}.{1 if box == pair[0] else 2}/30]
    local_subnets: [{BOXES[box]["subnet"]}]
    local_endpoint: {BOXES[box]["black"]}:4500
    peer_endpoint: {BOXES[peer]["black"]}:4500
{terms}"""


class Triangle(Lab):
    def networks(self):
        self.add_black_network()
        for box, facts in BOXES.items():
            self.add_networks_of(box, facts, BOXES["paris" if box == "geneva" else "geneva"]["black"])
            # A packet may come by another way than its answer goes (RFC 3704, section 2.4).
            self.run("sysctl", "-q", "-w", "net.ipv4.conf.all.rp_filter=2", namespace=box)

    def start_tpms(self):
        for box, facts in BOXES.items():
            state = self.directory / f"tpm-{box}"
            state.mkdir()
            port = self.tpm_port(box)
            self.start(f"swtpm-{box}", "swtpm", "socket", "--tpm2", "--tpmstate", f"dir={state}", "--server", f"type=tcp,port={port},bindaddr=127.0.0.1",
                       "--ctrl", f"type=tcp,port={port + 1},bindaddr=127.0.0.1", "--flags", "not-need-init,startup-clear", namespace=box)
        for box in BOXES:
            self.wait(f"TPM of {box}", lambda box=box: f":{self.tpm_port(box)} " in self.run("ss", "-tln", namespace=box).stdout, 10)

    def tpm_port(self, box):
        return 2411 + 10 * BOXES[box]["number"]

    def tcti(self, box):
        return f"swtpm:host=127.0.0.1,port={self.tpm_port(box)}"

    def share_psks(self):
        for pair in LINKS:
            first, second = pair
            blob = {box: self.directory / f"{box}-{'-'.join(pair)}.psk" for box in pair}
            shown = self.run(self.programs / "cloisterctl", "psk", "generate", "--force", "--tpm", self.tcti(first), "--output", blob[first],
                             namespace=first).stdout
            self.run(self.programs / "cloisterctl", "psk", "import", "--tpm", self.tcti(second), "--output", blob[second], namespace=second, input=shown)

    def start_fibres(self):
        for pair in LINKS:
            name = "-".join(pair)
            self.start(f"fibre-{name}", self.programs / "cloister-fibre", "--socket", self.directory / f"{name}.sock", "--control",
                       self.directory / f"{name}-control.sock", *FIBRE)
        for pair in LINKS:
            self.wait(f"the fibre {pair}", lambda pair=pair: (self.directory / f"{'-'.join(pair)}.sock").exists(), 10)

    def fibre(self, link, *command):
        done = self.run(self.programs / "cloister-fibre", "ctl", "--control", self.directory / f"{link}-control.sock", *command)
        return json.loads(done.stdout)

    def configure(self, terms):
        """`terms`: of each tunnel, as lines of YAML."""
        for box in BOXES:
            state = self.directory / f"state-{box}"
            state.mkdir(exist_ok=True)
            ends = [(number, pair) for number, pair in enumerate(LINKS) if box in pair]
            links = "".join(link_section(box, pair, number, self.directory) for number, pair in ends)
            tunnels = "".join(tunnel_section(box, pair, number, terms) for number, pair in ends)
            (self.directory / f"{box}.yaml").write_text(
                f'box:\n  name: {box}\n  state_directory: {state}\n  control_socket: {self.control_socket(box)}\n'
                f'  network_socket: {self.network_socket(box)}\ntpm:\n  tcti: "{self.tcti(box)}"\nlinks:\n{links}tunnels:\n{tunnels}')

    def start_routing(self, box):
        """FRR's zebra and ospfd: they know interfaces, and nothing of tunnels."""
        directory = self.directory / f"frr-{box}"
        directory.mkdir()
        self.directory.chmod(0o711)  # FRR gives up root's right to look into it
        shutil.chown(directory, "frr", "frr")
        interfaces = [f"cl-{next(end for end in pair if end != box)}" for pair in LINKS if box in pair]
        over = "".join(f"interface {name}\n ip ospf area 0\n ip ospf network point-to-point\n ip ospf dead-interval minimal hello-multiplier 4\n!\n"
                       for name in interfaces)
        (directory / "zebra.conf").write_text("")
        (directory / "ospfd.conf").write_text(f"{over}interface red\n ip ospf area 0\n ip ospf passive\n!\n"
                                              f"router ospf\n ospf router-id 10.255.255.{BOXES[box]['number']}\n timers throttle spf 10 50 500\n")
        for daemon in ("zebra", "ospfd"):
            self.start(f"{daemon}-{box}", f"{FRR}/{daemon}", "-f", directory / f"{daemon}.conf", "-z", directory / "zserv.api",
                       "-i", directory / f"{daemon}.pid", "--vty_socket", directory, "-A", "127.0.0.1", "-P", "0", "--log", "stdout", namespace=box)
            self.wait(f"{daemon} of {box}", lambda daemon=daemon: (directory / f"{daemon}.vty").exists(), 20)

    def route(self, box, other):
        """By which interface a packet for the other's host would leave."""
        words = self.run("ip", "-o", "route", "get", BOXES[other]["host"], namespace=box, check=False).stdout.split()
        return words[words.index("dev") + 1] if "dev" in words else None

    def tunnel(self, box, name):
        status = self.status(box)
        return next((tunnel for tunnel in status["tunnels"] if tunnel["name"] == name), None) if status else None
