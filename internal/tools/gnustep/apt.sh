#!/usr/bin/env bash
# Installs what building and running on GNUstep needs, on Debian and Ubuntu; does nothing when all of it is there.
set -euo pipefail

#   clang                     the only compiler here that knows blocks
#   gobjc                     the Objective-C runtime, GCC's
#   libgnustep-*              Foundation and AppKit
#   libblocksruntime-dev      what a block is at run time
#   xvfb xdotool imagemagick  a display, a hand and a camera
#   x11-utils                 to ask whether the display answers
packages=(clang gobjc libffi-dev libblocksruntime-dev libgnustep-base-dev libgnustep-gui-dev
	xvfb xdotool imagemagick x11-utils xfonts-base fonts-dejavu-core)

installed() {
	[ "$(dpkg-query -W -f '${db:Status-Status}' "$1" 2>/dev/null)" = installed ]
}

# What draws AppKit on X11. Its package's name holds a version, which the system may lift.
backend() {
	apt-cache search --names-only '^gnustep-back[0-9.]+-cairo$' | cut -d' ' -f1 | sort -V | tail -1
}
backend_installed() {
	dpkg-query -W -f '${Package} ${db:Status-Status}\n' 'gnustep-back*-cairo' 2>/dev/null | grep -q ' installed$'
}

missing=()
for package in "${packages[@]}"; do
	installed "$package" || missing+=("$package")
done
backend_installed || missing+=("gnustep-back…-cairo")
((${#missing[@]})) || exit 0

command -v apt-get >/dev/null || {
	echo "missing, and no apt-get here: ${missing[*]}" >&2
	exit 1
}
apt=(env DEBIAN_FRONTEND=noninteractive apt-get -o DPkg::Lock::Timeout=600 -q)
((EUID == 0)) || apt=(sudo "${apt[@]}")
"${apt[@]}" update
"${apt[@]}" install -y --no-install-recommends "${packages[@]}" "$(backend)"
