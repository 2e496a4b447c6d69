// Command unknown_mlx calls an operation that MLX doesn't have. It must not link.
package main

/*
#cgo LDFLAGS: -L${SRCDIR}/../../../../../mlxbridge/mlx/mlx/lib -lmlx
void unknown(void);
*/
import "C"

func main() { C.unknown() }
