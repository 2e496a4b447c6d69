#!/usr/bin/env bash
# Runs go as it builds TTSUI's window for GNUstep, on Linux: with our C compiler, the tag gnustep, and the cures of
# darwinkit's memory bugs.
#
#	go.sh build -o bin/ttsui-gnustep ./cmd/ttsui
#	go.sh test -count=1 -exec "$PWD/internal/tools/gnustep/run.sh" ./internal/cocoa
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
top=$(cd "$here/../../.." && pwd)
built=$top/.cache/gnustep

[ -e /usr/include/GNUstep ] && command -v clang >/dev/null || {
	echo "GNUstep is not installed: run $here/apt.sh" >&2
	exit 1
}

digest() { cat "$@" | sha256sum | cut -c1-16; }

# Go's cache sees flags, not what compilers and headers are made of. So their hash is a flag; and it is in every
# Objective-C object, by stamp.h, so that a test's old result is not taken for a new one. The shim is a library of its
# own, made anew when anything here has changed: what is linked with it stays as it is.
compiler=$(digest "$here"/cc "$here"/shim/*/*/*.h "$here"/../darwinkit/include/ffi/ffi.h)
shim=$(digest "$here"/cc "$here"/go.sh "$here"/finder.m "$here"/shim/*.m "$here"/shim/*/*/*.h)

build_shim() {
	mkdir -p "$built"
	echo "static const char dkshim_stamp[] __attribute__((used)) = \"$compiler\";" >"$built/stamp.h"
	local source objects=()
	for source in "$here"/shim/*.m; do
		objects+=("$built/$(basename "$source" .m).o")
		"$here/cc" -x objective-c -c -O1 -g -fPIC "$source" -o "${objects[-1]}"
	done
	clang -shared "${objects[@]}" -o "$built/libdkshim.so" -Wl,--no-as-needed -lBlocksRuntime \
		-lgnustep-gui -lgnustep-base -L"$(dirname "$(gcc -print-libgcc-file-name)")" -lobjc -lpthread
	"$here/cc" -x objective-c -c -O1 -g "$here/finder.m" -o "$built/finder.o"
	"$here/cc" "$built/finder.o" -framework AppKit -o "$built/finder"
	echo "$compiler $shim" >"$built/built"
}

mkdir -p "$top/.cache"
(
	flock 9
	[ "$(cat "$built/built" 2>/dev/null)" = "$compiler $shim" ] || build_shim
) 9>"$top/.cache/gnustep.lock"

export CC=$here/cc CXX=$here/cxx CGO_ENABLED=1
export CGO_CFLAGS="-g -O2 -I$top/internal/tools/darwinkit/include -DDKSHIM_HASH=0x$compiler"
export CGO_CXXFLAGS="-g -O2 -DDKSHIM_HASH=0x$compiler"
export GOFLAGS="${GOFLAGS:-} -tags=gnustep -gcflags=all=-d=variablemakethreshold=0"
exec go "$@"
