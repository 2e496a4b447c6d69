#!/usr/bin/env bash
# Builds bin/TTSUI.app for arm64 macOS 14, checks it, packs it as bin/TTSUI.zip, and on a Mac opens it.
#
#	build.sh
#
# On a Mac Apple's tools compile and sign, and MLX lies where `make mlx` has put it. On Linux zig compiles and links
# against stubs of the system (sysroot), and our own tool signs: what comes out has not yet run on a Mac. What Linux
# needs is fetched by hash into .cache/macapp.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
top=$(cd "$here/../../.." && pwd)
cache=$top/.cache/macapp
tools=./internal/tools/macapp
app=$top/bin/TTSUI.app
pip="python3 -m pip --disable-pip-version-check"

step() {
	echo "$1 (${SECONDS}s)"
}

# fetched FOLDER LOCK says whether what the lock names lies in the folder: the lock's copy there tells.
fetched() {
	cmp -s "$2" "$1/lock"
}

fetch_zig() {
	fetched "$cache/zig" "$here/zig.lock" && return
	step "fetch zig"
	rm -rf "$cache/zig"
	$pip install --quiet --root-user-action ignore --no-compile --require-hashes --only-binary=:all: \
		--target "$cache/zig" -r "$here/zig.lock"
	cp "$here/zig.lock" "$cache/zig/lock"
}

# The wheel for the Mac, by the lock that is there for both. pip would leave it out on Linux, so its condition goes.
fetch_mlx() {
	awk '/^[^ #]/ { mac = /darwin/ } mac { sub(/ ; sys_platform == "darwin"/, ""); print }' \
		"$top/mlxbridge/mlx.lock" >"$cache/mlx.lock"
	fetched "$cache/mlx" "$cache/mlx.lock" && return
	step "fetch MLX"
	rm -rf "$cache/mlx" "$cache/wheel"
	$pip download --quiet --no-deps --require-hashes --only-binary=:all: --platform macosx_14_0_arm64 \
		--dest "$cache/wheel" -r "$cache/mlx.lock"
	python3 -m zipfile -e "$cache"/wheel/*.whl "$cache/mlx"
	cp "$cache/mlx.lock" "$cache/mlx/lock"
	rm -rf "$cache/wheel"
}

# The sources are built from a copy, in which the Mac's MLX lies where Linux has its own.
copy_sources() {
	rm -rf "$cache/src"
	mkdir -p "$cache/src"
	tar -C "$top" -cf - --exclude=./.git --exclude=./.cache --exclude=./bin --exclude=./mlxbridge/mlx . |
		tar -C "$cache/src" -xf -
	ln -s "$cache/mlx" "$cache/src/mlxbridge/mlx"
}

# Sets what go needs to know. C++ and Objective-C see the cure of one of darwinkit's memory bugs (tools/darwinkit)
# before the system's headers; the compiler's flag below cures the other. Go's cache knows flags, not headers and
# scripts, so the hash of these is a flag.
prepare() {
	local hash=""
	if [ "$(uname -s)" = Darwin ]; then
		source=$top
		mlx=$top/mlxbridge/mlx
		export MACOSX_DEPLOYMENT_TARGET=14.0
	else
		source=$cache/src
		mlx=$cache/mlx
		fetch_zig
		fetch_mlx
		copy_sources
		(cd "$top" && go run $tools/sysroot -mlx "$mlx/mlx/lib/libmlx.dylib" -out "$cache/sysroot")
		hash=$(cd "$here" && find zcc zig.lock sysroot/headers ../darwinkit/include -type f -exec sha256sum {} + | sort -k 2 | sha256sum | cut -c1-16)
		hash=" -DMACAPP_HASH=0x$hash"
		export ZIG=$cache/zig/ziglang/zig SYSROOT=$cache/sysroot
		export ZIG_GLOBAL_CACHE_DIR=$cache/zig-cache ZIG_LOCAL_CACHE_DIR=$cache/zig-cache
	fi
	c_flags="-g -O2 -I$source/internal/tools/darwinkit/include$hash"
}

# mac_build OUTPUT PACKAGE builds a program for the Mac. Debugging data stays out: Go has no tool here that would move
# it to where a Mac has it. The one place where libraries are looked for is the bundle's.
mac_build() (
	cd "$source"
	export GOOS=darwin GOARCH=arm64 CGO_ENABLED=1 CGO_CFLAGS=$c_flags CGO_CXXFLAGS=$c_flags CGO_LDFLAGS=
	[ -z "${ZIG:-}" ] || export CC="$here/zcc cc" CXX="$here/zcc c++"
	go build -gcflags=all=-d=variablemakethreshold=0 \
		-ldflags='-s -w -extldflags "-Wl,-rpath,@executable_path/../Frameworks"' -o "$1" "$2"
)

# refuse PROGRAM SYMBOL shows that what isn't there doesn't link: else a program that links would show nothing.
refuse() {
	if mac_build "$cache/refused" "$tools/testdata/$1" 2>"$cache/refused.txt"; then
		echo "testdata/$1 links, though nobody has $2" >&2
		exit 1
	fi
	grep -q "$2" "$cache/refused.txt" || {
		echo "testdata/$1 doesn't link, but not because of $2:" >&2
		cat "$cache/refused.txt" >&2
		exit 1
	}
}

# Libraries are signed before the bundle that holds their signatures' hashes.
bundle() {
	if [ "$(uname -s)" = Darwin ]; then
		go run $tools/bundle -program "$cache/TTSUI" -mlx "$mlx" -out "$app"
		codesign --force --sign - "$app/Contents/Frameworks/libmlx.dylib"
		codesign --force --sign - "$app"
	else
		go run $tools/bundle -program "$cache/TTSUI" -mlx "$mlx" -out "$app" -sign
	fi
}

pack() (
	cd "$top/bin"
	rm -f TTSUI.zip
	python3 -m zipfile -c TTSUI.zip TTSUI.app
)

mkdir -p "$cache" "$top/bin"
cd "$top"
prepare
step "build"
rm -f "$cache/TTSUI"
mac_build "$cache/TTSUI" ./cmd/ttsui
step "link what must not link"
refuse unknown_appkit _NSNobodyHasThis
refuse unknown_mlx nobody_has_this
step "bundle"
bundle
step "check"
go run $tools/check "$app"
pack
step "bin/TTSUI.app and bin/TTSUI.zip are ready"
[ "$(uname -s)" != Darwin ] || open "$app"
