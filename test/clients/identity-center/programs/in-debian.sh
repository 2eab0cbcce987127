#!/bin/sh
# Prepares a mount namespace of its own and runs a command in it: in-debian.sh ROOT HOME HOSTS AUTHORITY COMMAND...
# ROOT is a directory with a Debian release in it (debian-root.ts); the command does the chroot. Nothing outside is changed.
set -eu
root=$1 home=$2 hosts=$3 authority=$4
shift 4
mount --bind "$home" "$root/home/user"
mount --bind "$hosts" "$root/etc/hosts"
mount --bind "$authority" "$root/etc/test-authority.pem"
mount --bind /dev/null "$root/dev/null"
mount --bind /dev/urandom "$root/dev/urandom"
mount -t tmpfs tmpfs "$root/tmp"
exec "$@"
