#!/bin/sh
# A login session of one user with systemd's user manager, in mount and pid namespaces of its own: nothing of it outlives
# this shell. Arguments: uid, the user's home, the built package, its node_modules, Node, the name of a control group,
# and whether what the manager starts may make namespaces (no: as in many containers, or under Ubuntu's AppArmor).
set -eu
uid=$1 home=$2 package=$3 modules=$4 node=$5 group=$6 namespaces=$7

mount -t proc proc /proc
mount -t cgroup2 cgroup2 /sys/fs/cgroup
mkdir "/sys/fs/cgroup/$group"
echo $$ >"/sys/fs/cgroup/$group/cgroup.procs"
# A tree that is the user's own, as logind makes one for each user.
mkdir "/sys/fs/cgroup/$group/user"
chown -R "$uid" "/sys/fs/cgroup/$group/user"
echo $$ >"/sys/fs/cgroup/$group/user/cgroup.procs"

cp /etc/passwd "$home/.passwd"
echo "tester:x:$uid:$uid::/home/tester:/bin/sh" >>"$home/.passwd"
mount --bind "$home/.passwd" /etc/passwd

mount -t tmpfs -o mode=755 tmpfs /home
mkdir /home/tester
mount --bind "$home" /home/tester
mount -t tmpfs -o mode=755 tmpfs /mnt
mkdir -p /mnt/credbroker/dist /mnt/credbroker/systemd /mnt/credbroker/node_modules /mnt/bin
for part in dist systemd; do mount --bind "$package/$part" "/mnt/credbroker/$part"; done
mount --bind "$modules" /mnt/credbroker/node_modules
cp "$package/package.json" /mnt/credbroker/
touch /mnt/bin/node
mount --bind "$node" /mnt/bin/node

mount -t tmpfs -o mode=755 tmpfs /run
# sd_booted(3): without the first `systemd --user` refuses to run; the second is where it builds what a service sees.
mkdir -p /run/systemd/system /run/systemd/unit-root "/run/user/$uid"
chown "$uid:$uid" "/run/user/$uid"
chmod 700 "/run/user/$uid"

root=/
if [ "$namespaces" = no ]; then
  # user_namespaces(7): EPERM for a process in a chroot environment.
  root=/mnt/root
  mkdir "$root"
  mount --rbind / "$root"
fi

cd /
chroot "$root" setpriv --reuid "$uid" --regid "$uid" --clear-groups env -i HOME=/home/tester USER=tester PATH=/mnt/bin:/usr/bin:/bin \
  XDG_RUNTIME_DIR="/run/user/$uid" SYSTEMD_LOG_TARGET=console /lib/systemd/systemd --user &
until [ -S "/run/user/$uid/systemd/private" ] && [ -S "/run/user/$uid/bus" ]; do
  kill -0 $! || exit 1
  sleep 0.05
done
echo ready
wait
