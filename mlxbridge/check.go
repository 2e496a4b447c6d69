//go:build mlxcheck

package mlxbridge

// With -tags mlxcheck every bridge function fails when it is called outside the MLX thread.

// #cgo CXXFLAGS: -DMLXB_CHECK_THREAD
import "C"
