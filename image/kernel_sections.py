"""The parts of a kernel image that systemd-stub measures into PCR 11, as files for systemd-measure(1)."""

from pathlib import Path

MEASURED = ["linux", "osrel", "cmdline", "initrd", "ucode", "splash", "dtb", "uname", "sbat", "pcrpkey", "profile", "hwids", "dtbauto"]


def sections(kernel):
    """The bytes of each section, by its name without the dot."""
    import pefile  # the build root "image" has it

    whole = pefile.PE(kernel, fast_load=True)
    return {section.Name.rstrip(b"\0").decode().lstrip("."): section.get_data()[:section.Misc_VirtualSize] for section in whole.sections}


def measured_files(parts, directory):
    """Writes what is measured into the directory; the words that name it to systemd-measure."""
    words = []
    for name in MEASURED:
        if name in parts:
            file = Path(directory) / name
            file.write_bytes(parts[name])
            words.append(f"--{name}={file}")
    return words
