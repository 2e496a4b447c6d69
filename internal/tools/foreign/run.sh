#!/usr/bin/env bash
# Starts a server over tiny models and lets clients use it that share no code with it.
#
#	run.sh PROGRAM PYTHONPATH
set -euo pipefail
program=$(realpath "$1")
packages=$(realpath "$2")
here=$(cd "$(dirname "$0")" && pwd)
golden=$here/../../testkit/testdata/golden

world=$(mktemp -d)
server=
cleanup() {
	[ -z "$server" ] || kill -9 "$server" 2>/dev/null || true
	rm -rf "$world"
}
trap cleanup EXIT

# A tiny checkpoint stands where each model would.
models=$world/models/mlx-community
mkdir -p "$models" "$world/home" "$world/temp"
for size in 0.6B 1.7B; do
	ln -s "$(realpath "$golden/checkpoints/base")" "$models/Qwen3-TTS-12Hz-$size-Base-bf16"
	ln -s "$(realpath "$golden/checkpoints/custom_voice")" "$models/Qwen3-TTS-12Hz-$size-CustomVoice-bf16"
done
ln -s "$(realpath "$golden/checkpoints/voice_design")" "$models/Qwen3-TTS-12Hz-1.7B-VoiceDesign-bf16"

# serve CLIENT… starts a server, has a client use it, and ends it: each client finds a server that is new.
serve() {
	HOME=$world/home TMPDIR=$world/temp HF_HUB_CACHE=$world/none HF_HUB_OFFLINE=1 \
		"$program" serve --port 0 --models "$world/models" --log-level debug 2>"$world/stderr" &
	server=$!
	local url=
	for _ in $(seq 200); do
		url=$(sed -n 's/^ttsui: listening on //p' "$world/stderr")
		[ -z "$url" ] || break
		kill -0 "$server" 2>/dev/null || break
		sleep 0.1
	done
	if [ -z "$url" ] || ! "$@" "$url" "$world/home" "$golden/clip.wav"; then
		echo "the server said:" >&2
		tail -n 40 "$world/stderr" >&2
		exit 1
	fi
	kill -TERM "$server"
	local status=0
	wait "$server" || status=$?
	server=
	if [ "$status" != 0 ] || [ -e "$world/home/.ttsui/server.json" ]; then
		echo "the server ended with $status" >&2
		exit 1
	fi
}

# What hangs is broken, too.
serve timeout 60 bash "$here/curl.sh"
PYTHONPATH=$packages PYTHONDONTWRITEBYTECODE=1 serve timeout 60 python3 "$here/original.py"
