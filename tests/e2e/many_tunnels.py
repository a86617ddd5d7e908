"""A thousand tunnels between the laboratory's boxes, or one for all their hosts."""

from lab import BOXES

TUNNELS = 1000
RED = {"geneva": "198.18.0.0", "paris": "198.19.0.0"}  # the first of a thousand hosts


def address(first, number):
    """The address so far behind the network's first."""
    parts = [int(part) for part in first.split(".")]
    value = ((parts[0] * 256 + parts[1]) * 256 + parts[2]) * 256 + parts[3] + number
    return ".".join(str(value >> shift & 255) for shift in (24, 16, 8, 0))


def tunnel(box, name, local, remote, terms):
    peer = next(other for other in BOXES if other != box)
    return (f"  - {{name: {name}, link: geneva-paris, interface: cl-many, local_subnets: [{local}], remote_subnets: [{remote}], "
            f"local_endpoint: \"{BOXES[box]['black']}:4500\", peer_endpoint: \"{BOXES[peer]['black']}:4500\", {terms}}}\n")


def tunnels_of(box, count, terms):
    peer = next(other for other in BOXES if other != box)
    if count == 1:
        return tunnel(box, "t0", f"{RED[box]}/22", f"{RED[peer]}/22", terms)
    return "".join(tunnel(box, f"t{i}", f"{address(RED[box], i)}/32", f"{address(RED[peer], i)}/32", terms) for i in range(count))


def configure(lab, count, terms):
    """`terms`: rekey_interval, stock and so on, of each tunnel."""
    lab.configure()
    for box in BOXES:
        path = lab.directory / f"{box}.yaml"
        path.write_text(path.read_text().split("tunnels:")[0] + "tunnels:\n" + tunnels_of(box, count, terms))


def all_up(lab, box):
    status = lab.status(box)
    return status is not None and all(tunnel["state"] == "up" for tunnel in status["tunnels"])
