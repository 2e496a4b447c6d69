package mlxbridge

// RawFunctions gives the functions of mlxbridge.h as cgo makes them known to Go, so that tests can hand over what the Go
// side never would: no place for a result, false ranks, handles out of thin air. Tests can't import "C"; the names
// below are what cgo turns C.name into, and stop compiling should that ever change.
func RawFunctions() map[string]any {
	return map[string]any{
		"mlxb_start":              _Cfunc_mlxb_start,
		"mlxb_stop":               _Cfunc_mlxb_stop,
		"mlxb_device":             _Cfunc_mlxb_device,
		"mlxb_free_error":         _Cfunc_mlxb_free_error,
		"mlxb_live":               _Cfunc_mlxb_live,
		"mlxb_evaluations":        _Cfunc_mlxb_evaluations,
		"mlxb_memory":             _Cfunc_mlxb_memory,
		"mlxb_reset_peak":         _Cfunc_mlxb_reset_peak,
		"mlxb_clear_cache":        _Cfunc_mlxb_clear_cache,
		"mlxb_from_data":          _Cfunc_mlxb_from_data,
		"mlxb_full":               _Cfunc_mlxb_full,
		"mlxb_arange":             _Cfunc_mlxb_arange,
		"mlxb_load":               _Cfunc_mlxb_load,
		"mlxb_free":               _Cfunc_mlxb_free,
		"mlxb_shape":              _Cfunc_mlxb_shape,
		"mlxb_eval":               _Cfunc_mlxb_eval,
		"mlxb_async_eval":         _Cfunc_mlxb_async_eval,
		"mlxb_read_f32":           _Cfunc_mlxb_read_f32,
		"mlxb_read_i32":           _Cfunc_mlxb_read_i32,
		"mlxb_unary":              _Cfunc_mlxb_unary,
		"mlxb_binary":             _Cfunc_mlxb_binary,
		"mlxb_binary_scalar":      _Cfunc_mlxb_binary_scalar,
		"mlxb_where":              _Cfunc_mlxb_where,
		"mlxb_astype":             _Cfunc_mlxb_astype,
		"mlxb_reshape":            _Cfunc_mlxb_reshape,
		"mlxb_transpose":          _Cfunc_mlxb_transpose,
		"mlxb_slice":              _Cfunc_mlxb_slice,
		"mlxb_slice_update":       _Cfunc_mlxb_slice_update,
		"mlxb_concatenate":        _Cfunc_mlxb_concatenate,
		"mlxb_pad":                _Cfunc_mlxb_pad,
		"mlxb_take":               _Cfunc_mlxb_take,
		"mlxb_reduce":             _Cfunc_mlxb_reduce,
		"mlxb_softmax":            _Cfunc_mlxb_softmax,
		"mlxb_cumsum":             _Cfunc_mlxb_cumsum,
		"mlxb_sort":               _Cfunc_mlxb_sort,
		"mlxb_rfft_power":         _Cfunc_mlxb_rfft_power,
		"mlxb_matmul":             _Cfunc_mlxb_matmul,
		"mlxb_linear":             _Cfunc_mlxb_linear,
		"mlxb_quantized_linear":   _Cfunc_mlxb_quantized_linear,
		"mlxb_dequantize":         _Cfunc_mlxb_dequantize,
		"mlxb_quantize":           _Cfunc_mlxb_quantize,
		"mlxb_snake":              _Cfunc_mlxb_snake,
		"mlxb_swiglu":             _Cfunc_mlxb_swiglu,
		"mlxb_rms_norm":           _Cfunc_mlxb_rms_norm,
		"mlxb_layer_norm":         _Cfunc_mlxb_layer_norm,
		"mlxb_rope":               _Cfunc_mlxb_rope,
		"mlxb_attention":          _Cfunc_mlxb_attention,
		"mlxb_conv1d":             _Cfunc_mlxb_conv1d,
		"mlxb_conv_transpose1d":   _Cfunc_mlxb_conv_transpose1d,
		"mlxb_random_key":         _Cfunc_mlxb_random_key,
		"mlxb_random_split":       _Cfunc_mlxb_random_split,
		"mlxb_random_categorical": _Cfunc_mlxb_random_categorical,
	}
}

// Handle gives an array's handle.
func Handle(a Array) uint64 { return uint64(a.handle) }
