package mlxbridge

/*
#cgo CXXFLAGS: -std=c++20 -O3 -I${SRCDIR}/mlx/mlx/include
#cgo linux LDFLAGS: -L${SRCDIR}/mlx/mlx/lib -lmlx -Wl,-rpath,${SRCDIR}/mlx/mlx/lib
#cgo darwin CXXFLAGS: -I${SRCDIR}/mlx/mlx/include/metal_cpp -D_METAL_ -DACCELERATE_NEW_LAPACK
#cgo darwin LDFLAGS: -L${SRCDIR}/mlx/mlx/lib -lmlx -framework Metal -framework Foundation -framework QuartzCore -framework Accelerate
#include <stdlib.h>
#include "mlxbridge.h"
*/
import "C"

import (
	"errors"
	"math"
	"os"
	"path/filepath"
	"time"
	"unsafe"
)

// failure turns a bridge function's answer into an error and frees its text.
func failure(text *C.char) error {
	if text == nil {
		return nil
	}
	defer C.mlxb_free_error(text)
	return errors.New("mlx: " + C.GoString(text))
}

// start makes the calling OS thread the MLX thread.
func start(gpu bool) error {
	path := metallib()
	if path == "" {
		return failure(C.mlxb_start(cbool(gpu), nil))
	}
	text := C.CString(path)
	defer C.free(unsafe.Pointer(text))
	return failure(C.mlxb_start(cbool(gpu), text))
}

// metallib is where a Mac's app bundle has MLX's kernels, "" when this program is in none: every file beside libmlx there
// has to be signed code, so they lie among the resources.
func metallib() string {
	program, err := os.Executable()
	if err != nil {
		return ""
	}
	path := filepath.Join(filepath.Dir(program), "..", "Resources", "mlx.metallib")
	if _, err := os.Stat(path); err != nil {
		return ""
	}
	return path
}

// stop waits for running work and gives the MLX thread up.
func stop() error { return failure(C.mlxb_stop()) }

// Device says where MLX computes.
type Device struct {
	GPU     bool   // Metal on a Mac, CUDA on Linux; else the CPU
	Version string // of MLX
}

// currentDevice asks MLX what it runs on. Call it on the MLX thread.
func currentDevice() (Device, error) {
	var gpu C.int
	var version [32]C.char
	if err := failure(C.mlxb_device(&gpu, &version[0], C.size_t(len(version)))); err != nil {
		return Device{}, err
	}
	return Device{GPU: gpu != 0, Version: C.GoString(&version[0])}, nil
}

// Live counts the arrays that were made and not freed. It may be called from any goroutine.
func Live() int64 { return int64(C.mlxb_live()) }

// Evaluations counts how often a caller waited for MLX to compute something. It may be called from any goroutine.
func Evaluations() int64 { return int64(C.mlxb_evaluations()) }

// Waited is how long callers were in evaluations, all told: what of a piece of work's time is not in it went into Go, the
// bridge and the making of graphs. It may be called from any goroutine.
func Waited() time.Duration { return time.Duration(C.mlxb_waited()) }

// Inside is how long callers were in the bridge's functions, in evaluations too: what is not in it went into Go and into
// the way from Go to C++. It may be called from any goroutine.
func Inside() time.Duration { return time.Duration(C.mlxb_inside()) }

// MemoryStats is what MLX's own allocator holds, in bytes.
type MemoryStats struct {
	Active uint64 // in use by arrays
	Cache  uint64 // freed by arrays, kept for the next ones
	Peak   uint64 // the most that was active
}

// Memory asks MLX's allocator. It may be called from any goroutine.
func Memory() MemoryStats {
	var active, cache, peak C.size_t
	C.mlxb_memory(&active, &cache, &peak)
	return MemoryStats{Active: uint64(active), Cache: uint64(cache), Peak: uint64(peak)}
}

// ResetPeak starts Memory's Peak anew.
func ResetPeak() error { return failure(C.mlxb_reset_peak()) }

// ClearCache gives the memory of freed arrays back to the system. Never call it between frames: it slows them down.
func ClearCache() error { return failure(C.mlxb_clear_cache()) }

func cbool(b bool) C.int {
	if b {
		return 1
	}
	return 0
}

// cint hands a number to C. One that C's int can't hold becomes the smallest, which is no dimension, index or count:
// the bridge refuses it.
func cint(n int) C.int {
	if c := C.int(n); int(c) == n {
		return c
	}
	return math.MinInt32
}

// ints hands a shape or an index list to C.
func ints(s []int) (*C.int, C.int) {
	if len(s) == 0 {
		return nil, 0
	}
	c := make([]C.int, len(s))
	for i, n := range s {
		c[i] = cint(n)
	}
	return &c[0], C.int(len(s))
}

// handles hands arrays to C; Array has the layout of a handle.
func handles(arrays []Array) (*C.mlxb_array, C.int) {
	return (*C.mlxb_array)(unsafe.Pointer(unsafe.SliceData(arrays))), C.int(len(arrays))
}
