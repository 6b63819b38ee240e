#!/usr/bin/env bash
# melody in a bare Debian: a root file system by debootstrap (bookworm, minbase) that is read-only but for /tmp, a user who is only a number, no
# HOME, no network, no GPU. Runs the README's commands there. Needs root and debootstrap, which takes its own mirror unless MIRROR names one (or a folder made before).
#
#   tools/container.sh [FOLDER]      FOLDER is made where it does not exist, and kept
set -euo pipefail
here="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)"
folder="${1:-$(mktemp -d)/rootfs}"
[ "$(id -u)" = 0 ] || { echo "container: needs root" >&2; exit 1; }
if [ ! -x "$folder/bin/bash" ]; then
  command -v debootstrap >/dev/null || { echo "container: no debootstrap; apt-get install debootstrap" >&2; exit 1; }
  debootstrap --variant=minbase --include=libstdc++6 bookworm "$folder" ${MIRROR:+"$MIRROR"}
fi
node "$here/tools/build.mjs" --if-stale
mkdir -p "$folder/opt/melody" "$folder/usr/local/bin"
rm -rf "$folder/opt/melody/dist" "$folder/opt/melody/weights"
cp -r "$here/dist" "$here/weights" "$here/package.json" "$folder/opt/melody/"
cp "$(node -p process.execPath)" "$folder/usr/local/bin/node"
cat >"$folder/opt/melody/all.sh" <<'INSIDE'
set -e
cd /tmp
melody() { node /opt/melody/dist/cli.js "$@"; }
say() { echo "container: $*"; }
[ "$(id -u)" = 12345 ] && [ -z "${HOME:-}" ] && ! touch /opt/x 2>/dev/null || { say "not the container that was meant"; exit 1; }
melody --help >/dev/null && say "help"
melody generate "slow piano ballad, soft strings, 70 bpm" --duration 2 --steps 2 --out ballad.wav && say "generate"
melody generate --recipe ballad.wav --out again.wav --quiet && cmp ballad.wav again.wav && say "made again, the same bytes"
melody generate "calm piano" --model melody-tiny --duration 1 --stream >stream.wav && say "stream"
melody inspect /opt/melody/weights/melody-tiny >/dev/null && say "inspect"
melody eval ballad.wav >/dev/null && say "eval"
melody cache && say "cache"
melody doctor >/dev/null && say "doctor" || say "doctor found no GPU (exit $?)"
cd / && melody generate "calm piano" --model melody-tiny --duration 1 2>/tmp/said && { say "wrote into a read-only folder"; exit 1; }
say "read-only folder: $(head -1 /tmp/said)"
grep -q 'internal error' /tmp/said && exit 1
say "all of it, as uid 12345, without HOME, on a read-only disk"
INSIDE
export folder
unshare --mount --net bash -ec '
mount --bind "$folder" "$folder"
mount -t proc proc "$folder/proc"
mount -t tmpfs tmpfs "$folder/tmp"
chmod 1777 "$folder/tmp"
mount --bind /dev "$folder/dev"
mount -o remount,ro,bind "$folder"
exec chroot --userspec=12345:12345 "$folder" /usr/bin/env -i PATH=/usr/local/bin:/usr/bin:/bin bash /opt/melody/all.sh'
