"""The how-tos, typed: every block of `sh` of a page of docs/how-to, in its order, on a machine that has what the page presumes."""

import re

from lab import CHECKOUT, Failed

BLOCK = re.compile(r"^ *```sh\n(.*?)^ *```$", re.MULTILINE | re.DOTALL)


def type_page(machine, page, blocks, instead=(), before=None, after=None):
    """`instead`: words of the page and what stands for them on this machine; `before` and `after` some blocks, by number from 0, what
    else happens. How many blocks the page has is said, so that a new one is thought about here."""
    texts = BLOCK.findall((CHECKOUT / f"docs/how-to/{page}.md").read_text())
    if len(texts) != blocks:
        raise Failed(f"docs/how-to/{page}.md has {len(texts)} blocks of commands, this test knows {blocks}")
    for old, new in instead:
        if not any(old in text for text in texts):
            raise Failed(f"docs/how-to/{page}.md does not say '{old}'")
        texts = [text.replace(old, new) for text in texts]
    machine.run("mkdir", "-p", "/run/how-to")
    for number, text in enumerate(texts):
        machine.run("systemctl", "reset-failed", "cloister.service")  # so that restarts may follow each other faster than by hand
        (before or {}).get(number, lambda: None)()
        text = re.sub(r"^ +", "", text, flags=re.MULTILINE)
        done = machine.run("bash", "-c", f"cd /run/how-to\nset -e\n{text}", check=False, whole=True)
        if done.returncode != 0:
            raise Failed(f"docs/how-to/{page}.md: a block ended with status {done.returncode}:\n{text}{done.stdout}{done.stderr}")
        (after or {}).get(number, lambda: None)()
    print(f"docs/how-to/{page}.md: {blocks} blocks of commands typed", flush=True)
