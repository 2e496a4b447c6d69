package mlxbridge

// #include "mlxbridge.h"
import "C"

import (
	"fmt"
	"strings"
)

// Counts tells what graphs were computed since StartCount.
type Counts struct {
	Evaluations int64            // times that a caller waited
	Nodes       int64            // operations in the graphs
	Kernels     int64            // those of them that are more than another view of numbers that are there: the least that a GPU launches
	Names       map[string]int64 // the nodes by MLX's names
}

// StartCount counts what is computed from now on. With metal graphs are made as for Metal: the CPU's own bodies stand
// aside and what MLX has a kernel for is one node. On a machine without Metal that node computes zeros, so that
// everything runs to its end and no number means anything; drop all of it after StopCount. Call it on the MLX thread.
func StartCount(metal bool) error {
	countedFrom = Evaluations()
	if metal {
		return failure(C.mlxb_count(C.MLXB_COUNT_METAL))
	}
	return failure(C.mlxb_count(C.MLXB_COUNT_GRAPHS))
}

// countedFrom is what Evaluations was at StartCount; of the MLX thread.
var countedFrom int64

// StopCount ends the counting. Call it on the MLX thread.
func StopCount() (Counts, error) {
	c := Counts{Evaluations: Evaluations() - countedFrom, Names: map[string]int64{}}
	var nodes, kernels C.int64_t
	var names [8192]C.char
	if err := failure(C.mlxb_counted(&nodes, &kernels, &names[0], C.int(len(names)))); err != nil {
		return c, err
	}
	c.Nodes, c.Kernels = int64(nodes), int64(kernels)
	for line := range strings.Lines(C.GoString(&names[0])) {
		var name string
		var n int64
		if _, err := fmt.Sscan(line, &name, &n); err == nil {
			c.Names[name] = n
		}
	}
	return c, failure(C.mlxb_count(C.MLXB_COUNT_NOTHING))
}
