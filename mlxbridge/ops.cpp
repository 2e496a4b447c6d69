// ops.cpp: element-wise operations, shapes and reductions.
#include <optional>

#include "cpu_ops.hpp"
#include "guard.hpp"
#include "metal_kernels.hpp"

using namespace bridge;

namespace {

int axis_of(const mx::array& a, int axis) {
  int rank = static_cast<int>(a.ndim());
  require(axis >= -rank && axis < rank, "axis out of range");
  return axis < 0 ? axis + rank : axis;
}

mx::array unary(mlxb_unary_op op, const mx::array& a) {
  switch (op) {
    case MLXB_ABS: return mx::abs(a);
    case MLXB_EXP: return mx::exp(a);
    case MLXB_LOG: return mx::log(a);
    case MLXB_SIN: return mx::sin(a);
    case MLXB_SQUARE: return mx::square(a);
    case MLXB_SQRT: return mx::sqrt(a);
    case MLXB_RSQRT: return mx::rsqrt(a);
    case MLXB_SIGMOID: return mx::sigmoid(a);
    case MLXB_TANH: return mx::tanh(a);
    case MLXB_SILU: return mx::multiply(a, mx::sigmoid(a));
    case MLXB_GELU: {  // the exact form, by the error function
      if (auto y = cpu_gelu(a)) return *y;
      mx::array cdf = mx::erf(mx::multiply(a, mx::array(0.70710678118654752f, a.dtype())));
      cdf = mx::multiply(mx::add(cdf, mx::array(1.0f, a.dtype())), mx::array(0.5f, a.dtype()));
      return mx::multiply(a, cdf);
    }
    case MLXB_ELU: {  // alpha 1
      if (auto y = cpu_elu(a)) return *y;
      mx::array zero = mx::array(0.0f, a.dtype());
      return mx::where(mx::greater(a, zero), a, mx::expm1(mx::minimum(a, zero)));
    }
    case MLXB_RELU: return mx::maximum(a, mx::array(0.0f, a.dtype()));
    case MLXB_UNARY_COUNT: break;
  }
  throw std::invalid_argument("unknown operation");
}

mx::array binary(mlxb_binary_op op, const mx::array& a, const mx::array& b) {
  switch (op) {
    case MLXB_ADD: return mx::add(a, b);
    case MLXB_SUB: return mx::subtract(a, b);
    case MLXB_MUL: return mx::multiply(a, b);
    case MLXB_DIV: return mx::divide(a, b);
    case MLXB_MAXIMUM: return mx::maximum(a, b);
    case MLXB_MINIMUM: return mx::minimum(a, b);
    case MLXB_EQUAL: return mx::equal(a, b);
    case MLXB_GREATER: return mx::greater(a, b);
    case MLXB_LESS_EQUAL: return mx::less_equal(a, b);
    case MLXB_OR: return mx::logical_or(a, b);
    case MLXB_BINARY_COUNT: break;
  }
  throw std::invalid_argument("unknown operation");
}

mx::array reduce(mlxb_reduce_op op, const mx::array& a, int axis, bool keepdims) {
  switch (op) {
    case MLXB_SUM: return mx::sum(a, axis, keepdims);
    case MLXB_MEAN: return mx::mean(a, axis, keepdims);
    case MLXB_ARGMAX: return mx::argmax(a, axis, keepdims);
    case MLXB_ARGMIN: return mx::argmin(a, axis, keepdims);
    case MLXB_REDUCE_COUNT: break;
  }
  throw std::invalid_argument("unknown operation");
}

}  // namespace

namespace bridge {

// MLX reads outside the table for a bad index. Seen as unsigned, a negative one is large too.
mx::array plain_take(const mx::array& table, const mx::array& ids) {
  return mx::take(table, mx::minimum(mx::astype(ids, mx::uint32), mx::array({static_cast<uint32_t>(table.shape(0) - 1)}, mx::uint32)), 0);
}

}  // namespace bridge

extern "C" {

char* mlxb_unary(mlxb_array* out, mlxb_unary_op kind, mlxb_array a) {
  return op("unary", out, [&] { return unary(kind, get(a)); });
}

char* mlxb_binary(mlxb_array* out, mlxb_binary_op kind, mlxb_array a, mlxb_array b) {
  return op("binary", out, [&] { return binary(kind, get(a), get(b)); });
}

char* mlxb_binary_scalar(mlxb_array* out, mlxb_binary_op kind, mlxb_array a, float b) {
  return op("binary_scalar", out, [&] {
    mx::array x = get(a);
    return binary(kind, x, mx::array(b, x.dtype()));
  });
}

char* mlxb_where(mlxb_array* out, mlxb_array cond, mlxb_array a, mlxb_array b) {
  return op("where", out, [&] { return mx::where(get(cond), get(a), get(b)); });
}

char* mlxb_astype(mlxb_array* out, mlxb_array a, mlxb_dtype dtype) {
  return op("astype", out, [&] { return mx::astype(get(a), dtype_of(dtype)); });
}

char* mlxb_reshape(mlxb_array* out, mlxb_array a, const int* shape, int rank) {
  return op("reshape", out, [&] { return mx::reshape(get(a), shape_of(shape, rank)); });
}

char* mlxb_transpose(mlxb_array* out, mlxb_array a, const int* axes, int rank) {
  return op("transpose", out, [&] {
    mx::array x = get(a);
    require(axes != nullptr && rank == static_cast<int>(x.ndim()), "the axes have not the array's rank");
    return mx::transpose(x, std::vector<int>(axes, axes + rank));
  });
}

char* mlxb_slice(mlxb_array* out, mlxb_array a, const int* start, const int* stop, int rank) {
  return op("slice", out, [&] {
    mx::array x = get(a);
    require(start != nullptr && stop != nullptr && rank == static_cast<int>(x.ndim()), "the range has not the array's rank");
    for (int i = 0; i < rank; i++) {
      require(0 <= start[i] && start[i] <= stop[i] && stop[i] <= x.shape(i), "range outside the array");
    }
    return mx::slice(x, mx::Shape(start, start + rank), mx::Shape(stop, stop + rank));
  });
}

char* mlxb_flip(mlxb_array* out, mlxb_array a, int axis) {
  return op("flip", out, [&] {
    mx::array x = filled(a);
    const int rank = static_cast<int>(x.ndim());
    require(0 <= axis && axis < rank, "no such axis");
    mx::Shape start(rank, 0), stop = x.shape(), step(rank, 1);
    start[axis] = x.shape(axis) - 1, stop[axis] = -x.shape(axis) - 1, step[axis] = -1;
    return mx::slice(x, start, stop, step);
  });
}

char* mlxb_slice_update(mlxb_array* out, mlxb_array a, mlxb_array update, const int* start, int rank) {
  return op("slice_update", out, [&] {
    mx::array x = get(a), u = get(update);
    require(start != nullptr && rank == static_cast<int>(x.ndim()) && x.ndim() == u.ndim(), "the range has not the array's rank");
    mx::Shape stop;
    for (int i = 0; i < rank; i++) {
      require(0 <= start[i] && start[i] <= x.shape(i) && u.shape(i) <= x.shape(i) - start[i], "range outside the array");
      stop.push_back(start[i] + u.shape(i));
    }
    return mx::slice_update(x, u, mx::Shape(start, start + rank), stop);
  });
}

char* mlxb_concatenate(mlxb_array* out, const mlxb_array* arrays, int n, int axis) {
  return op("concatenate", out, [&] {
    std::vector<mx::array> all = get_all(arrays, n);
    require(!all.empty(), "nothing to concatenate");
    return mx::concatenate(all, axis_of(all[0], axis));
  });
}

char* mlxb_pad(mlxb_array* out, mlxb_array a, int axis, int low, int high, int edge) {
  return op("pad", out, [&] {
    mx::array x = get(a);
    require(low >= 0 && high >= 0, "negative padding");
    int along = axis_of(x, axis);
    require(!edge || x.shape(along) > 0, "no edge to repeat");
    require(static_cast<int64_t>(x.shape(along)) + low + high <= INT32_MAX, "shape too large");
    return mx::pad(x, {along}, {low}, {high}, mx::array(0.0f, x.dtype()), edge ? "edge" : "constant");
  });
}

char* mlxb_contiguous(mlxb_array* out, mlxb_array a) {
  return op("contiguous", out, [&] { return in_order(get(a)); });
}

char* mlxb_take(mlxb_array* out, mlxb_array a, mlxb_array indices) {
  return op("take", out, [&] {
    mx::array x = get(a), i = get(indices);
    require(x.ndim() > 0 && x.shape(0) > 0, "no rows to take");
    require(mx::issubdtype(i.dtype(), mx::integer), "indices must be integers");
    if (auto y = cpu_take(x, i)) return *y;
    if (auto y = metal_take(x, i)) return *y;
    return plain_take(x, i);
  });
}

char* mlxb_reduce(mlxb_array* out, mlxb_reduce_op kind, mlxb_array a, int axis, int keepdims) {
  return op("reduce", out, [&] {
    mx::array x = filled(a);
    return reduce(kind, x, axis_of(x, axis), keepdims != 0);
  });
}

char* mlxb_softmax(mlxb_array* out, mlxb_array a, int axis) {
  return op("softmax", out, [&] {
    mx::array x = filled(a);
    return mx::softmax(x, axis_of(x, axis), /*precise=*/true);
  });
}

char* mlxb_rfft_power(mlxb_array* out, mlxb_array a) {
  return op("rfft_power", out, [&] {
    mx::array x = filled(a);
    require(x.ndim() > 0, "no axis");
    mx::array f = mx::fft::rfft(x, -1);
    return mx::add(mx::square(mx::real(f)), mx::square(mx::imag(f)));
  });
}

}  // extern "C"
