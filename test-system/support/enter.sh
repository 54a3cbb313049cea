#!/bin/sh
# enter.sh BOX SHARE: boots this machine's own system in a throw-away copy of its files (overlayfs), with
# processes, control groups and a network of its own: only loopback. BOX/written holds what is written, SHARE is at
# /mnt. Needs root.
set -eu
box=$1 share=$2

if [ -z "${ENTERED:-}" ]; then
  # systemd takes the whole of the group that it finds itself in.
  mkdir -p "$box/cgroup"
  mount -t cgroup2 cgroup2 "$box/cgroup"
  mkdir "$box/cgroup/${box##*/}"
  echo $$ >"$box/cgroup/${box##*/}/cgroup.procs"
  umount "$box/cgroup"
  export ENTERED=1
  exec unshare --mount --pid --fork --net --uts --ipc --cgroup --kill-child "$0" "$box" "$share"
fi

root=$box/root
mkdir -p "$box/written" "$box/work" "$root"
mount -t overlay overlay -o "lowerdir=/,upperdir=$box/written,workdir=$box/work" "$root"
mount -t proc proc "$root/proc"
mount -t sysfs sysfs "$root/sys"
mount -t cgroup2 cgroup2 "$root/sys/fs/cgroup"
mount -t tmpfs -o mode=755 tmpfs "$root/dev"
for device in null zero full random urandom tty; do
  : >"$root/dev/$device"
  mount --bind "/dev/$device" "$root/dev/$device"
done
mkdir "$root/dev/shm" "$root/dev/pts"
ln -s /proc/self/fd "$root/dev/fd"
for n in 0 1 2; do ln -s "/proc/self/fd/$n" "$root/dev/$(echo stdin stdout stderr | cut -d ' ' -f $((n + 1)))"; done
mount -t tmpfs -o mode=755 tmpfs "$root/run"
mount -t tmpfs -o mode=1777 tmpfs "$root/tmp"
mount --bind "$share" "$root/mnt"
ip link set lo up
# Nothing that this machine has running.
rm -f "$root"/etc/systemd/system/*.wants/*
exec env -i container=claude-proxy-test PATH="$PATH" chroot "$root" /lib/systemd/systemd \
  --unit=multi-user.target --show-status=no
