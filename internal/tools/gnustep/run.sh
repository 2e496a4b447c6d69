#!/usr/bin/env bash
# Runs a program of GNUstep's on a display of its own, with a home of its own, and leaves nothing behind. Its end is the
# program's.
#
#	run.sh bin/ttsui-gnustep
#	go.sh test -exec "$PWD/internal/tools/gnustep/run.sh" ./internal/cocoa
set -euo pipefail
(($#)) || {
	sed -n 's/^# \{0,1\}//p; /^set/q' "$0" | sed 1d >&2
	exit 2
}

world=$(mktemp -d)
program= xvfb=

# GNUstep starts daemons (gdnc, gpbs) that outlive the program; they are known by their home, which is ours.
daemons() {
	local environ
	for environ in /proc/[0-9]*/environ; do
		[ "${environ#/proc/$$/}" = environ ] || ! grep -qzsFx "HOME=$world" "$environ" || basename "${environ%/environ}"
	done
}

cleanup() {
	local pid
	for pid in $program $(daemons) $xvfb; do
		kill "$pid" 2>/dev/null || true
	done
	[ -z "$xvfb" ] || wait "$xvfb" 2>/dev/null || true
	rm -rf "$world"
}
trap cleanup EXIT
trap '[ -z "$program" ] || kill -TERM "$program"' TERM INT

# GNUstep takes the user's home from the system and not from $HOME. The folders below it can be named, though, and the
# way from there to ours be such a name.
users_home=$(getent passwd "$EUID" | cut -d: -f6)
away=$(realpath --relative-to="$users_home" "$world")
sed "s|^\(GNUSTEP_USER_[A-Z_]*=\)GNUstep|\1$away/GNUstep|" /etc/GNUstep/GNUstep.conf >"$world/GNUstep.conf"

# The menu lies in a bar at the top, as on a Mac; windows have their frames from GNUstep, as no window manager runs.
mkdir -p "$world/GNUstep/Defaults"
cat >"$world/GNUstep/Defaults/NSGlobalDomain.plist" <<'PLIST'
{
	NSMenuInterfaceStyle = NSMacintoshInterfaceStyle;
	GSX11HandlesWindowDecorations = NO;
	GSSuppressAppIcon = YES;
}
PLIST

# Xvfb finds a free display by itself, and tells its number when it is ready. No key repeats itself (-r): on a busy
# machine one that is pressed for a moment would.
mkfifo "$world/display"
Xvfb -displayfd 3 -screen 0 1280x1120x24 -r -nolisten tcp 3>"$world/display" >"$world/xvfb.log" 2>&1 &
xvfb=$!
read -r -t 30 display <"$world/display" || {
	cat "$world/xvfb.log" >&2
	exit 1
}

# Go's caches stay where they are, for a program that calls go.
if command -v go >/dev/null; then
	GOCACHE=$(go env GOCACHE) GOMODCACHE=$(go env GOMODCACHE)
	export GOCACHE GOMODCACHE
fi

# GNUstep finds its daemons by names in the folder for what is temporary: two programs would share them, and lose them when
# the first one ends.
GNUSTEP_CONFIG_FILE=$world/GNUstep.conf TEMP=$world TMP=$world HOME=$world DISPLAY=:$display LC_ALL=C.UTF-8 "$@" &
program=$!
while true; do
	status=0
	wait "$program" || status=$?
	kill -0 "$program" 2>/dev/null || break # a signal to us ends the wait early
done
program=
exit "$status"
