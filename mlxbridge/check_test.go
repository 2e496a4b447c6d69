//go:build mlxcheck

package mlxbridge_test

import (
	"slices"
	"strings"
	"testing"

	mlx "ttsui/mlxbridge"
)

// Every function of the header that MLX's thread is for fails elsewhere, Free included: it frees at once only when MLX
// isn't at work with the array, which nobody but the MLX thread can know.
func TestCallsOutsideTheThreadFail(t *testing.T) {
	anywhere := []string{"mlxb_live", "mlxb_evaluations", "mlxb_waited", "mlxb_inside", "mlxb_memory", "mlxb_free_error", "mlxb_start"}
	onMLX(t, func(*mlx.Scope) error { return nil }) // the thread runs
	for _, f := range header(t) {
		if slices.Contains(anywhere, f.name) {
			continue
		}
		args := make([]any, len(f.params))
		for i := range args {
			if args[i] = 0; strings.HasSuffix(f.params[i].ctype, "*") {
				args[i] = nil
			}
		}
		if text := f.call(args...); !strings.Contains(text, "outside the MLX thread") {
			t.Errorf("%s outside the MLX thread answers %q", f.name, text)
		}
	}
}
