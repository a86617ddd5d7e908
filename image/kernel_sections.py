"""A kernel image as those see it who measure it: its parts, which systemd-stub measures into PCR 11, as files for systemd-measure(1); and what the firmware
measures of a program into PCR 4."""

import hashlib
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


def authenticode(program):
    """SHA-256 of a PE program as its signature has it, without checksum and signatures (Windows Authenticode Portable Executable Signature Format)."""
    import pefile

    whole = pefile.PE(data=program, fast_load=True)
    checksum = whole.OPTIONAL_HEADER.get_field_absolute_offset("CheckSum")
    entry = whole.OPTIONAL_HEADER.DATA_DIRECTORY[pefile.DIRECTORY_ENTRY["IMAGE_DIRECTORY_ENTRY_SECURITY"]]
    place = entry.get_file_offset()
    end = entry.VirtualAddress if entry.Size else len(program)  # signatures are the last
    return hashlib.sha256(program[:checksum] + program[checksum + 4:place] + program[place + 8:end]).hexdigest()
