#!/bin/sh
# may-boot.sh: whether enter.sh may do here what it does: namespaces, layers of files, control groups. Says what was refused.
set -eu
if [ -z "${ENTERED:-}" ]; then
  dir=$(mktemp -d)
  trap 'rmdir "$dir/group/may-boot-$$" 2>/dev/null || :; umount "$dir/group" 2>/dev/null || :; rm -rf "$dir"' EXIT
  mkdir "$dir/group" "$dir/written" "$dir/work" "$dir/root"
  mount -t cgroup2 cgroup2 "$dir/group"
  mkdir "$dir/group/may-boot-$$"
  ENTERED=1 unshare --mount --pid --fork --net --uts --ipc --cgroup "$0" "$dir"
else
  mount -t overlay overlay -o "lowerdir=/,upperdir=$1/written,workdir=$1/work" "$1/root"
  mount -t proc proc "$1/root/proc"
  mount -t sysfs sysfs "$1/root/sys"
  mount -t cgroup2 cgroup2 "$1/root/sys/fs/cgroup"
  : >"$1/root/dev/null-of-a-box"
  mount --bind /dev/null "$1/root/dev/null-of-a-box"
  ip link set lo up
  chroot "$1/root" /bin/true
  # The layers are seen only in here, and go with it.
fi
