"""Makes a folder of all that a must-gather image should not make: hostile_tree.py FOLDER SECRET FILES SPARSE_BYTES."""

import os
import socket
import stat
import sys

folder, secret, files, sparse = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
os.makedirs(folder, exist_ok=True)
os.chdir(folder)


def write(path, data=b"data\n"):
    with open(path, "wb") as file:
        file.write(data)


# Links out of the folder, to the secret, in circles, to nothing.
outside = os.path.dirname(secret)
for name, target in {
    "link-up": "../../../../../../../..",
    "link-to-secret": secret,
    "link-to-folder": outside,
    "link-to-passwd": "/etc/passwd",
    "link-to-proc": "/proc/self",
    "link-to-itself": "link-to-itself",
    "link-to-nothing": "nowhere",
    "link-newline": "/a\nb",
}.items():
    os.symlink(target, name)

# What is no file.
os.mkfifo("fifo")
with socket.socket(socket.AF_UNIX) as listening:
    listening.bind("socket")
for kind, name in ((stat.S_IFCHR, "zero"), (stat.S_IFBLK, "disk")):
    try:
        os.mknod(name, 0o666 | kind, os.makedev(1, 5) if kind == stat.S_IFCHR else os.makedev(7, 0))
    except PermissionError:
        pass  # only root may

# Names.
os.makedirs("names")
for name in (
    b"new\nline", b"back\\slash", b"..\\..\\up", b"tab\tand\x01control\x7f", b"n" * 255, "ü".encode() * 127,
    b"not utf-8 \xff\xfe", b"\xe2\x82", b"con", b"aux.txt", b"dot.", b"blank ", b"%41", b"%2e%2e%2f", b'a:b*?"<>|',
    b"-rf", b"--", b"~", b"$(touch pwned)", b"C:", "e\u0301".encode(), "\u00e9".encode(), b"Case", b"case",
    b".rsync.log.a1B2c3", "\u202egnp.exe".encode(),
):
    write(b"names/" + name, b"name\n")
write("GATHER.json", b"{}")
write("timestamp")

# A hundred folders deep; the paths of the last are longer than the system opens.
for name in ("d", "deep-" + "x" * 25, "deeper-" + "x" * 95):
    before = os.getcwd()
    for _ in range(100):
        os.mkdir(name)
        os.chdir(name)
    write("bottom.txt", b"bottom\n")
    os.chdir(before)

# Modes and times.
write("mode-000", b"closed file\n")
os.chmod("mode-000", 0)
os.makedirs("closed")
write("closed/inside", b"in a closed folder\n")
os.chmod("closed", 0)
write("setuid")
os.chmod("setuid", 0o6777)
for name, time in (("old", -86400), ("future", 5_000_000_000)):
    write(name)
    os.utime(name, (time, time))
write("one", b"one of two names\n")
os.link("one", "two")

# Much.
with open("sparse", "wb") as file:
    file.truncate(sparse)
os.makedirs("many")
for n in range(files):
    write(f"many/{n}", b"%d\n" % n)
