// mlxbridge.h: the narrow C ABI between Go and MLX's C++.
//
// Rules, the same for every function:
//   - It returns NULL when it worked, else a text that the caller hands to mlxb_free_error. No C++ exception
//     leaves it and no argument ends the process: a nil, freed or foreign handle, a wrong rank, a negative size
//     or an index out of range is an error text. Only what C can't know is believed: that a pointer that isn't
//     NULL points to as much as its count says.
//   - Arrays are opaque handles, never pointers. 0 is nil. Results come first ("out"); each handle that comes out
//     is owned by the caller until mlxb_free.
//   - Operations are lazy, as in MLX: work is done by mlxb_eval and the mlxb_read functions. When that fails,
//     the arrays that it was to compute hold no values: free them.
//   - All calls but mlxb_live, mlxb_evaluations, mlxb_waited, mlxb_inside and mlxb_memory belong on the one MLX thread (see thread.go).
#ifndef MLXBRIDGE_H
#define MLXBRIDGE_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef uint64_t mlxb_array;

typedef enum { MLXB_BOOL, MLXB_INT32, MLXB_UINT32, MLXB_FLOAT16, MLXB_BFLOAT16, MLXB_FLOAT32 } mlxb_dtype;

// --- process ---
// Makes the calling thread the MLX thread; use_gpu: when there is one. On a Mac metallib names the file of MLX's kernels
// when it doesn't lie beside libmlx; it may be NULL.
char* mlxb_start(int use_gpu, const char* metallib);
char* mlxb_stop(void);                            // waits for running work and gives the MLX thread up
char* mlxb_device(int* is_gpu, char* version, size_t version_len);
void mlxb_free_error(char* text);
int64_t mlxb_evaluations(void);                   // times that a caller waited for MLX to compute
int64_t mlxb_waited(void);                        // nanoseconds that callers spent in them
int64_t mlxb_inside(void);                        // nanoseconds that callers spent in these functions, those among them
int64_t mlxb_live(void);                          // handles that were made and not freed
void mlxb_memory(size_t* active, size_t* cache, size_t* peak);  // bytes in MLX's allocator
char* mlxb_reset_peak(void);
char* mlxb_clear_cache(void);

// --- counting: what the graphs are made of that are computed from now on ---
// METAL: graphs are made as for Metal, on a machine without it too, where what only Metal has then computes zeros.
typedef enum { MLXB_COUNT_NOTHING, MLXB_COUNT_GRAPHS, MLXB_COUNT_METAL, MLXB_COUNTING_COUNT } mlxb_counting;
char* mlxb_count(mlxb_counting how);  // starts anew
char* mlxb_counted(int64_t* nodes, int64_t* kernels, char* names, int capacity);  // names: a line "Name count" each; kernels: nodes but for views

// --- arrays ---
char* mlxb_from_data(mlxb_array* out, const void* data, size_t bytes, mlxb_dtype dtype, const int* shape, int rank);
char* mlxb_full(mlxb_array* out, float value, mlxb_dtype dtype, const int* shape, int rank);
char* mlxb_arange(mlxb_array* out, int start, int stop, mlxb_dtype dtype);
// An array whose bytes are those of n spans of a file, one behind the other; they are read when it is computed.
char* mlxb_load(mlxb_array* out, const char* path, const int64_t* offsets, const int64_t* sizes, int n, mlxb_dtype dtype, const int* shape, int rank);
char* mlxb_free(const mlxb_array* arrays, int n);
char* mlxb_shape(mlxb_array a, int* shape, int capacity, int* rank, mlxb_dtype* dtype);
char* mlxb_eval(const mlxb_array* arrays, int n);
char* mlxb_eval_lasting(const mlxb_array* arrays, int n);  // for what lives long: its memory is given back when it is freed
char* mlxb_async_eval(const mlxb_array* arrays, int n);  // starts, and doesn't wait
char* mlxb_ready(int* ready, mlxb_array a);              // whether it has been computed
char* mlxb_use_stream(int beside);                       // where what is made from now on is computed: 0, or 1 beside that
char* mlxb_read_f32(mlxb_array a, float* out, size_t n);    // evaluates; n must be the array's size
char* mlxb_read_i32(mlxb_array a, int32_t* out, size_t n);

// --- element by element ---
typedef enum {
  MLXB_ABS, MLXB_EXP, MLXB_LOG, MLXB_SIN, MLXB_SQUARE, MLXB_SQRT, MLXB_RSQRT, MLXB_SIGMOID, MLXB_TANH,
  MLXB_SILU, MLXB_GELU, MLXB_ELU, MLXB_RELU, MLXB_UNARY_COUNT
} mlxb_unary_op;
typedef enum {
  MLXB_ADD, MLXB_SUB, MLXB_MUL, MLXB_DIV, MLXB_MAXIMUM, MLXB_MINIMUM, MLXB_EQUAL, MLXB_GREATER, MLXB_LESS_EQUAL,
  MLXB_OR, MLXB_BINARY_COUNT
} mlxb_binary_op;
char* mlxb_unary(mlxb_array* out, mlxb_unary_op op, mlxb_array a);
char* mlxb_binary(mlxb_array* out, mlxb_binary_op op, mlxb_array a, mlxb_array b);
char* mlxb_binary_scalar(mlxb_array* out, mlxb_binary_op op, mlxb_array a, float b);  // b in a's dtype
char* mlxb_where(mlxb_array* out, mlxb_array cond, mlxb_array a, mlxb_array b);
char* mlxb_astype(mlxb_array* out, mlxb_array a, mlxb_dtype dtype);

// --- shape ---
char* mlxb_reshape(mlxb_array* out, mlxb_array a, const int* shape, int rank);
char* mlxb_transpose(mlxb_array* out, mlxb_array a, const int* axes, int rank);
char* mlxb_contiguous(mlxb_array* out, mlxb_array a);  // in row order, where a may be another view of its numbers
char* mlxb_slice(mlxb_array* out, mlxb_array a, const int* start, const int* stop, int rank);
char* mlxb_flip(mlxb_array* out, mlxb_array a, int axis);  // a view, the last first
char* mlxb_slice_update(mlxb_array* out, mlxb_array a, mlxb_array update, const int* start, int rank);  // in place when a has no other user
char* mlxb_concatenate(mlxb_array* out, const mlxb_array* arrays, int n, int axis);
char* mlxb_pad(mlxb_array* out, mlxb_array a, int axis, int low, int high, int edge);  // zeros, or the edge's value
char* mlxb_take(mlxb_array* out, mlxb_array a, mlxb_array indices);  // rows of axis 0; an index beyond the end takes the last row

// --- along an axis ---
typedef enum { MLXB_SUM, MLXB_MEAN, MLXB_ARGMAX, MLXB_ARGMIN, MLXB_REDUCE_COUNT } mlxb_reduce_op;
char* mlxb_reduce(mlxb_array* out, mlxb_reduce_op op, mlxb_array a, int axis, int keepdims);
char* mlxb_softmax(mlxb_array* out, mlxb_array a, int axis);       // in float32 inside
char* mlxb_rfft_power(mlxb_array* out, mlxb_array a);              // |FFT|² over the last axis, n → n/2+1

// --- neural network; each is one fused operation wherever the backend has one ---
char* mlxb_matmul(mlxb_array* out, mlxb_array a, mlxb_array b);
// A linear map with what stands before and after it: add + f(rms_norm(x, norm, eps)·wᵀ + bias). w is [out, in], or when
// scales isn't nil, quantised. norm [in], bias [out] and add (of the result's shape) may be nil. When gated, w is the rows
// of a gate and then as many others, and f = silu(gate)·up.
char* mlxb_project(mlxb_array* out, mlxb_array x, mlxb_array w, mlxb_array scales, mlxb_array biases, int group_size, int bits, mlxb_array norm, float eps, mlxb_array bias, mlxb_array add, int gated);
// Attention of new rows qkv [n·time, (heads + 2·kv heads)·dim] of n sequences to themselves and to their past, causally.
// Queries and keys are normalised by q_norm and k_norm [dim] unless nil, and turned by their positions, of which each
// sequence's first is at[i]. Its keys and values go into its caches[i] [2, kv heads, room, dim], in place when that has no
// other user. 1 + n results: y [n·time, heads·dim], and the caches.
char* mlxb_attend(mlxb_array* y_caches, mlxb_array qkv, mlxb_array q_norm, mlxb_array k_norm, float eps, const mlxb_array* caches, int heads, float theta, const int* at, int n);
char* mlxb_dequantize(mlxb_array* out, mlxb_array w, mlxb_array scales, mlxb_array biases, int group_size, int bits);
char* mlxb_quantize(mlxb_array* w_scales_biases, mlxb_array w, int group_size, int bits);  // three results; affine
char* mlxb_snake(mlxb_array* out, mlxb_array x, mlxb_array rate, mlxb_array gain);  // x + sin²(x·rate)·gain
char* mlxb_swiglu(mlxb_array* out, mlxb_array gate, mlxb_array up);  // silu(gate)·up
char* mlxb_rms_norm(mlxb_array* out, mlxb_array x, mlxb_array w, float eps);
char* mlxb_layer_norm(mlxb_array* out, mlxb_array x, mlxb_array w, mlxb_array b, float eps);
char* mlxb_rope(mlxb_array* out, mlxb_array x, int dims, float theta, int offset);  // rotate-half pairing, x [batch, heads, time, dims]
char* mlxb_attention(mlxb_array* out, mlxb_array q, mlxb_array k, mlxb_array v, float scale, int causal, mlxb_array mask);  // [batch, heads, time, dim]; mask is added to the scores unless nil
char* mlxb_conv_weights(mlxb_array* out, mlxb_array w);  // w [out…, k, in], in the form in which it is convolved best here
char* mlxb_conv1d(mlxb_array* out, mlxb_array x, mlxb_array w, mlxb_array bias, int stride, int dilation, int groups);  // x [batch, time, in], w [out, k, in/groups] or of conv_weights, bias [out] or nil, no padding

// --- drawing, over the last axis ---
// Logits by temperature, in float32; −∞ where they are below the top_k-th largest (0: none is) or not among the likeliest
// whose probabilities reach top_p (1: all are).
char* mlxb_filter(mlxb_array* out, mlxb_array logits, float temperature, int top_k, float top_p);
char* mlxb_categorical(mlxb_array* out, mlxb_array logits, uint64_t key);  // an index with probability softmax(logits); a key gives always the same

#ifdef __cplusplus
}
#endif
#endif
