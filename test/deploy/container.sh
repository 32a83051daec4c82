#!/bin/sh
# Runs a program as a container would: process 1, a root folder of its own, a user id that no file knows, no home.
#
#   container.sh ROOT rw|ro MOUNTS UID WORKDIR [NAME=VALUE]... PROGRAM [ARGUMENT]...
#
# ROOT is an empty folder to build in; rw or ro is how the root folder is in the end. Each line of the file MOUNTS is FROM, AT
# and rw or ro, with tabs between: a file or folder, and where it goes. Programs and libraries are this machine's.
# Needs mount and PID namespaces of its own, and to be root in them.
set -eu
root=$1 how=$2 mounts=$3 user=$4 workdir=$5
shift 5
# How many user ids are ours: 1 where this machine's root is not.
users=$(awk '{ print $3 }' /proc/self/uid_map)

mount --make-rprivate /
mount -t tmpfs -o mode=755,size=16m container "$root"

attach() { # FROM AT rw|ro
  if [ -d "$1" ]; then
    mkdir -p "$root$2"
  elif [ ! -e "$root$2" ]; then
    mkdir -p "$(dirname "$root$2")"
    : >"$root$2"
  fi
  mount --bind "$1" "$root$2"
  # Where this machine's root is not ours, a mount keeps the options it came with.
  [ "$3" = rw ] || [ "$users" = 1 ] || mount -o remount,bind,ro "$root$2"
}

for folder in /bin /sbin /lib /lib32 /lib64; do
  if [ -L "$folder" ]; then cp -P "$folder" "$root$folder"; elif [ -d "$folder" ]; then attach "$folder" "$folder" ro; fi
done
attach /usr /usr ro
attach /etc /etc ro
for device in null zero full random urandom; do attach "/dev/$device" "/dev/$device" rw; done
ln -s /proc/self/fd "$root/dev/fd"
mkdir -p "$root/proc" "$root/run" "$root/var" "$root/dev/shm"
ln -s ../run "$root/var/run" # relative: it is used before the root is
mount -t proc proc "$root/proc"
mount -t tmpfs -o mode=1777,size=64m shm "$root/dev/shm"
mount -t tmpfs -o mode=755,size=1m programs "$root/usr/local/bin"

while IFS='	' read -r from at mode; do attach "$from" "$at" "$mode"; done <"$mounts"
mount -o remount,bind,"$how" "$root"

if [ "$users" = 1 ]; then
  exec unshare --root "$root" --wd "$workdir" --user --map-user="$user" --map-group=0 -- env -i "$@"
fi
exec chroot "$root" setpriv --reuid "$user" --regid 0 --clear-groups --no-new-privs --bounding-set=-all --inh-caps=-all \
  env -C "$workdir" -i "$@"
