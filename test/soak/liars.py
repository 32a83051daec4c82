"""Makes an image's own archive that is none, or a bad one: liars.py KIND FILE SECRET."""

import gzip
import io
import os
import sys
import tarfile

kind, path, secret = sys.argv[1:]


def tar(members):
    data = io.BytesIO()
    with tarfile.open(fileobj=data, mode="w:gz") as archive:
        for member, content in members:
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return data.getvalue()


def member(name, type=tarfile.REGTYPE, link=""):
    info = tarfile.TarInfo(name)
    info.type, info.linkname = type, link
    return info


traps = [
    (member("../../../../../../tmp/up"), b"up"),
    (member("/etc/absolute"), b"absolute"),
    (member("out", tarfile.SYMTYPE, os.path.dirname(secret)), b""),
    (member("out/through"), b"through"),
    (member("secret", tarfile.SYMTYPE, secret), b""),
    (member("hard", tarfile.LNKTYPE, secret), b""),
    (member("device", tarfile.CHRTYPE), b""),
    (member("a\\b\nc"), b"name"),
    (member("good.txt"), b"good"),
]
whole = tar([(member("good.txt"), os.urandom(500_000))])
if kind == "link":
    os.symlink(secret, path)
else:
    with open(path, "wb") as file:
        file.write({
            "text": lambda: b"this is no archive\n" * 1000,
            "noise": lambda: os.urandom(1_000_000),
            "cut": lambda: whole[:200_000],
            "bitten": lambda: whole[:200_000] + b"?" + whole[200_001:],
            "traps": lambda: tar(traps),
            "bomb": lambda: gzip.compress(bytes(20_000_000)),
            "tail": lambda: whole + b"and more",
        }[kind]())
