// nn.cpp: the operations a network is made of. Each has one entry here, so that a backend's faster body can stand
// behind it without the model above knowing.
#include <optional>

#include "cpu_ops.hpp"
#include "guard.hpp"

using namespace bridge;

namespace {

void check_groups(int group_size, int bits) {
  require(bits >= 2 && bits <= 8 && bits != 7, "bits must be 2, 3, 4, 5, 6 or 8");
  require(group_size == 16 || group_size == 32 || group_size == 64 || group_size == 128, "group size must be 16, 32, 64 or 128");
}

void check_quantized(const mx::array& w, const mx::array& scales, const mx::array& biases, int group_size, int bits) {
  check_groups(group_size, bits);
  require(w.dtype() == mx::uint32 && w.ndim() == 2 && scales.ndim() == 2 && scales.shape() == biases.shape() && w.shape(0) == scales.shape(0),
          "the parts of a quantised matrix don't fit together");
  int64_t in = static_cast<int64_t>(scales.shape(1)) * group_size;
  require(static_cast<int64_t>(w.shape(1)) * 32 == in * bits, "the parts of a quantised matrix don't fit together");
}

void check_conv(const mx::array& x, const mx::array& w, int stride, int dilation, int groups) {
  require(x.ndim() == 3 && w.ndim() == 3, "convolution wants [batch, time, channels] and [out, k, in]");
  require(stride > 0 && dilation > 0 && groups > 0, "stride, dilation and groups must be positive");
  require(x.shape(2) == static_cast<int64_t>(w.shape(2)) * groups && w.shape(0) % groups == 0, "the channels don't fit the weight");
}

// MLX's CPU backend lays the windows of an undilated convolution out side by side.
void check_windows(const mx::array& x, const mx::array& w, int stride) {
  if (mx::default_device() != mx::Device::cpu) return;
  double rows = 1.0 * x.shape(0) * ((x.shape(1) - w.shape(1)) / stride + 1), columns = 1.0 * w.shape(1) * x.shape(2);
  require(rows <= INT32_MAX && columns <= INT32_MAX, "shape too large");
  require_memory(rows * columns * sizeof(float));
}

}  // namespace

extern "C" {

char* mlxb_matmul(mlxb_array* out, mlxb_array a, mlxb_array b) {
  return op("matmul", out, [&] { return mx::matmul(get(a), get(b)); });
}

char* mlxb_linear(mlxb_array* out, mlxb_array x, mlxb_array w, mlxb_array bias) {
  return op("linear", out, [&] {
    mx::array a = get(x), weight = get(w);
    require(weight.ndim() == 2, "the weight must be [out, in]");
    std::optional<mx::array> b = maybe(bias);
    if (auto y = cpu_linear(a, weight, b)) return *y;
    if (b) return mx::addmm(*b, a, mx::transpose(weight));
    return mx::matmul(a, mx::transpose(weight));
  });
}

char* mlxb_quantized_linear(mlxb_array* out, mlxb_array x, mlxb_array w, mlxb_array scales, mlxb_array biases, mlxb_array bias, int group_size, int bits) {
  return op("quantized_linear", out, [&] {
    mx::array a = filled(x), weight = filled(w), s = get(scales), b = get(biases);
    check_quantized(weight, s, b, group_size, bits);
    require(a.ndim() > 0, "no axis");
    std::optional<mx::array> added = maybe(bias);
    if (auto y = cpu_quantized_linear(a, weight, s, b, added, group_size, bits)) return *y;
    mx::array y = mx::quantized_matmul(a, weight, s, b, /*transpose=*/true, group_size, bits);
    return added ? mx::add(y, *added) : y;
  });
}

char* mlxb_dequantize(mlxb_array* out, mlxb_array w, mlxb_array scales, mlxb_array biases, int group_size, int bits) {
  return op("dequantize", out, [&] {
    mx::array weight = get(w), s = get(scales), b = get(biases);
    check_quantized(weight, s, b, group_size, bits);
    return mx::dequantize(weight, s, b, group_size, bits);
  });
}

char* mlxb_quantize(mlxb_array* w_scales_biases, mlxb_array w, int group_size, int bits) {
  return guard("quantize", [&] {
    require(w_scales_biases != nullptr, "no place for the result");
    check_groups(group_size, bits);
    std::vector<mx::array> parts = mx::quantize(get(w), group_size, bits);
    require(parts.size() == 3, "not affine");
    put_all(w_scales_biases, parts);
  });
}

char* mlxb_snake(mlxb_array* out, mlxb_array x, mlxb_array rate, mlxb_array gain) {
  return op("snake", out, [&] {
    mx::array a = get(x), r = get(rate), g = get(gain);
    if (auto y = cpu_snake(a, r, g)) return *y;
    return mx::add(a, mx::multiply(mx::square(mx::sin(mx::multiply(a, r))), g));
  });
}

char* mlxb_swiglu(mlxb_array* out, mlxb_array gate, mlxb_array up) {
  return op("swiglu", out, [&] {
    mx::array g = get(gate), u = get(up);
    if (auto y = cpu_swiglu(g, u)) return *y;
    return mx::multiply(mx::multiply(g, mx::sigmoid(g)), u);
  });
}

char* mlxb_rms_norm(mlxb_array* out, mlxb_array x, mlxb_array w, float eps) {
  return op("rms_norm", out, [&] {
    mx::array a = filled(x), weight = get(w);
    if (auto y = cpu_rms_norm(a, weight, eps)) return *y;
    return mx::fast::rms_norm(a, weight, eps);
  });
}

char* mlxb_layer_norm(mlxb_array* out, mlxb_array x, mlxb_array w, mlxb_array b, float eps) {
  return op("layer_norm", out, [&] { return mx::fast::layer_norm(filled(x), get(w), get(b), eps); });
}

char* mlxb_rope(mlxb_array* out, mlxb_array x, int dims, float theta, int offset) {
  return op("rope", out, [&] {
    mx::array a = filled(x);
    require(a.ndim() == 4, "rope wants [batch, heads, time, dims]");
    require(dims > 0 && dims % 2 == 0 && dims <= a.shape(3), "rope wants an even count of dimensions within the last axis");
    require(offset >= 0, "negative position");
    if (dims == a.shape(3)) {
      if (auto y = cpu_rope(a, theta, offset)) return *y;
    }
    return mx::fast::rope(a, dims, /*traditional=*/false, theta, /*scale=*/1.0f, offset);
  });
}

char* mlxb_attention(mlxb_array* out, mlxb_array q, mlxb_array k, mlxb_array v, float scale, int causal, mlxb_array mask) {
  return op("attention", out, [&] {
    std::optional<mx::array> m = maybe(mask);
    require(!(causal && m), "either causal or a mask");
    mx::array queries = filled(q), keys = filled(k), values = filled(v);
    require(queries.ndim() == 4 && keys.ndim() == 4 && values.ndim() == 4, "attention wants [batch, heads, time, dim]");
    double scores = 1.0 * queries.shape(0) * queries.shape(1) * queries.shape(2) * keys.shape(2);
    require_memory(scores * sizeof(float));
    if (auto y = cpu_attention(queries, keys, values, scale, causal, m)) return *y;
    return mx::fast::scaled_dot_product_attention(queries, keys, values, scale, causal ? "causal" : (m ? "array" : ""), m);
  });
}

char* mlxb_conv1d(mlxb_array* out, mlxb_array x, mlxb_array w, mlxb_array bias, int stride, int dilation, int groups) {
  return op("conv1d", out, [&] {
    mx::array a = filled(x), weight = filled(w);
    check_conv(a, weight, stride, dilation, groups);
    require(a.shape(1) > static_cast<int64_t>(weight.shape(1) - 1) * dilation, "the signal is shorter than the kernel");
    std::optional<mx::array> b = maybe(bias);
    if (groups == 1) {
      if (auto y = cpu_conv1d(a, weight, b, stride, dilation)) return *y;
    }
    if (dilation == 1) check_windows(a, weight, stride);
    mx::array y = mx::conv1d(a, weight, stride, /*padding=*/0, dilation, groups);
    return b ? mx::add(y, *b) : y;
  });
}

char* mlxb_conv_transpose1d(mlxb_array* out, mlxb_array x, mlxb_array w, int stride) {
  return op("conv_transpose1d", out, [&] {
    mx::array a = filled(x), weight = filled(w);
    check_conv(a, weight, stride, 1, 1);
    require((static_cast<int64_t>(a.shape(1)) - 1) * stride + 2 * static_cast<int64_t>(weight.shape(1)) <= INT32_MAX, "shape too large");
    return mx::conv_transpose1d(a, weight, stride);
  });
}

}  // extern "C"
