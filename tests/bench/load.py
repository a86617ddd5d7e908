"""64-byte packets through the laboratory: how many arrive in a second."""


def load(lab, count, near, far, seconds):
    """As fast as one core offers them, in turn between `count` pairs of addresses, the first of which is `near` and `far`."""
    port = 6300 + len(list(lab.directory.glob("udp-load-*.log")))
    name = f"udp-load-{port}"
    receiver = lab.start(name, lab.programs / "udp-load", "receive", port, seconds, namespace="host-paris")
    lab.wait(name, lambda: "ready" in lab.log(name), 10)
    lab.run(lab.programs / "udp-load", "send", count, port, seconds + 1, near, far, namespace="host-geneva", timeout=60)
    receiver.wait(30)
    return float(lab.log(name).splitlines()[-1])
