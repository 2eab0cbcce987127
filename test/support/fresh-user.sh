#!/bin/sh
# Another user of this machine, who sees an empty home, Node, the AWS CLI and a box of files, in mount and pid namespaces of
# their own: whatever they start ends with this shell. Arguments: uid, home, box, the prefixes of Node and of Python,
# Python's program, the packages that hold the AWS CLI; then `env -i` variables and the command.
set -eu
uid=$1 home=$2 box=$3 node=$4 python=$5 program=$6 packages=$7
shift 7

mount -t proc proc /proc
cp /etc/passwd "$box/passwd"
echo "fresh:x:$uid:$uid::/home/fresh:/bin/sh" >>"$box/passwd"
mount --bind "$box/passwd" /etc/passwd

# What lies below a directory that is closed to others gets a place where they can reach it.
mount -t tmpfs -o mode=755 tmpfs /mnt
mkdir /mnt/bin /mnt/box /mnt/home /mnt/node /mnt/packages /mnt/python
mount --bind "$box" /mnt/box
mount --bind "$home" /mnt/home
mount --bind "$node" /mnt/node
mount --bind "$packages" /mnt/packages
mount --bind "$python" /mnt/python
cat >/mnt/bin/aws <<TEXT
#!/bin/sh
PYTHONPATH=/mnt/packages LD_LIBRARY_PATH=/mnt/python/lib exec /mnt/python/bin/$program -B -m awscli "\$@"
TEXT
chmod 755 /mnt/bin/aws
mount -t tmpfs -o mode=755 tmpfs /home
mkdir /home/fresh
mount --move /mnt/home /home/fresh
mount -t tmpfs -o mode=755 tmpfs /run

cd /
# Not `exec`: the first process of a namespace has to wait for what others leave behind.
setpriv --reuid "$uid" --regid "$uid" --clear-groups --no-new-privs env -i "$@"
