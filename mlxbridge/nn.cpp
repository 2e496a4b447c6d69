// nn.cpp: the operations a network is made of. Each has one entry here, so that a backend's faster body can stand
// behind it without the model above knowing.
#include <algorithm>
#include <cmath>
#include <optional>

#include "count.hpp"
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

void check_projection(const mx::array& x, const Projection& p) {
  require(p.w.ndim() == 2, "the weight must be [out, in]");
  require(p.scales.has_value() == p.offsets.has_value(), "the parts of a quantised matrix don't fit together");
  require(!p.gated || (!p.bias && p.w.shape(0) % 2 == 0), "a gated weight has an even number of rows, and no bias");
  if (p.scales) {
    check_quantized(p.w, *p.scales, *p.offsets, p.group, p.bits);
    require(x.size() > 0 && p.w.size() > 0 && x.ndim() > 0, "empty array");
  }
  if (p.norm) require(x.size() > 0 && x.ndim() > 0 && p.norm->shape() == mx::Shape{x.shape(-1)}, "the norm doesn't fit");
  if (p.add) {
    mx::Shape shape = x.shape();
    require(!shape.empty(), "no axis");
    shape.back() = p.w.shape(0) / (p.gated ? 2 : 1);
    require(p.add->shape() == shape, "what is added has not the result's shape");
  }
}

// The operations that are one kernel on Metal.
mx::array normed(const mx::array& x, const mx::array& w, float eps) {
  return fast("RMSNorm", x.shape(), x.dtype(), {x, w}, [&] { return mx::fast::rms_norm(x, w, eps); });
}

mx::array turned(const mx::array& x, int dims, float theta, int offset) {
  return fast("RoPE", x.shape(), x.dtype(), {x}, [&] { return mx::fast::rope(x, dims, /*traditional=*/false, theta, /*scale=*/1.0f, offset); });
}

mx::array attended(const mx::array& q, const mx::array& k, const mx::array& v, float scale, bool causal, const std::optional<mx::array>& mask) {
  mx::Shape shape = q.shape();
  shape[3] = v.shape(3);
  std::vector<mx::array> inputs{q, k, v};
  if (mask) inputs.push_back(*mask);
  return fast("Attention", std::move(shape), q.dtype(), std::move(inputs), [&] {
    return mx::fast::scaled_dot_product_attention(q, k, v, scale, causal ? "causal" : (mask ? "array" : ""), mask);
  });
}

std::vector<mx::array> swiglu(const std::vector<mx::array>& gate_up) {
  const mx::array& gate = gate_up[0];
  return {mx::multiply(mx::multiply(gate, mx::sigmoid(gate)), gate_up[1])};
}

// plain_swiglu is one kernel on Metal, too: MLX compiles it there. Not yet run on a Mac.
mx::array plain_swiglu(const mx::array& gate, const mx::array& up) {
  return fast("SwiGLU", gate.shape(), gate.dtype(), {gate, up}, [&] {
    if (mx::default_device() == mx::Device::cpu) return swiglu({gate, up})[0];
    static const auto compiled = mx::compile(swiglu, /*shapeless=*/true);
    return compiled({gate, up})[0];
  });
}

// plain_project is a projection by MLX's operations.
mx::array plain_project(const mx::array& x, const Projection& p) {
  mx::array a = p.norm ? normed(x, *p.norm, p.eps) : x;
  auto linear = [&] {
    if (p.scales) {
      mx::array y = mx::quantized_matmul(a, p.w, *p.scales, *p.offsets, /*transpose=*/true, p.group, p.bits);
      return p.bias ? mx::add(y, *p.bias) : y;
    }
    mx::array w = mx::transpose(p.w);
    if (p.bias) return mx::addmm(*p.bias, a, w);
    if (p.add && !p.gated) return mx::addmm(*p.add, a, w);
    return mx::matmul(a, w);
  };
  mx::array y = linear();
  if (p.gated) {
    std::vector<mx::array> halves = mx::split(y, 2, -1);
    y = plain_swiglu(halves[0], halves[1]);
  }
  bool added = !p.scales && !p.bias && !p.gated;
  return p.add && !added ? mx::add(y, *p.add) : y;
}

// Attended is the arguments of mlxb_attend.
struct Attended {
  mx::array qkv;
  std::optional<mx::array> q_norm, k_norm;
  float eps;
  mx::array keys, values;
  int heads;
  float theta;
};

void check_attended(const Attended& a, const int* at, int n) {
  require(a.qkv.ndim() == 2 && a.keys.ndim() == 4 && a.keys.shape() == a.values.shape(), "attend wants [rows, width] and caches [batch, kv heads, room, dim]");
  int batch = a.keys.shape(0), kv_heads = a.keys.shape(1), room = a.keys.shape(2), dim = a.keys.shape(3);
  require(n == batch && a.qkv.shape(0) % batch == 0, "each sequence of the batch has a position and as many rows");
  require(a.heads > 0 && a.heads % kv_heads == 0 && dim % 2 == 0, "the heads don't fit");
  require(a.qkv.shape(1) == (static_cast<int64_t>(a.heads) + 2 * static_cast<int64_t>(kv_heads)) * dim, "the rows have not the width of all heads");
  require(a.q_norm.has_value() == a.k_norm.has_value(), "one norm without the other");
  if (a.q_norm) require(a.q_norm->shape() == mx::Shape{dim} && a.k_norm->shape() == mx::Shape{dim}, "the norms don't fit");
  int time = a.qkv.shape(0) / batch;
  for (int b = 0; b < n; b++) require(at[b] >= 0 && static_cast<int64_t>(at[b]) + time <= room, "no room in the caches");
  require_memory(1.0 * a.qkv.shape(0) * a.heads * room * sizeof(float));
}

// plain_attend is mlxb_attend by MLX's operations, for sequences that are all at one position.
std::vector<mx::array> plain_attend(const Attended& a, int at) {
  int batch = a.keys.shape(0), kv_heads = a.keys.shape(1), dim = a.keys.shape(3), time = a.qkv.shape(0) / batch;
  auto rows = [&](int first, int heads) {  // [batch, heads, time, dim]
    mx::array part = mx::slice(a.qkv, {0, first * dim}, {a.qkv.shape(0), (first + heads) * dim});
    return mx::reshape(part, {batch, time, heads, dim});
  };
  auto placed = [&](mx::array x, const std::optional<mx::array>& norm) {
    if (norm) x = normed(x, *norm, a.eps);
    return turned(mx::transpose(x, {0, 2, 1, 3}), dim, a.theta, at);
  };
  auto updated = [&](const mx::array& cache, const mx::array& x) {
    return mx::slice_update(cache, mx::astype(x, cache.dtype()), mx::Shape{0, 0, at, 0}, mx::Shape{batch, kv_heads, at + time, dim});
  };
  mx::array q = placed(rows(0, a.heads), a.q_norm);
  mx::array keys = updated(a.keys, placed(rows(a.heads, kv_heads), a.k_norm));
  mx::array values = updated(a.values, mx::transpose(rows(a.heads + kv_heads, kv_heads), {0, 2, 1, 3}));
  auto past = [&](const mx::array& cache) { return mx::slice(cache, {0, 0, 0, 0}, {batch, kv_heads, at + time, dim}); };
  float scale = 1 / std::sqrt(static_cast<float>(dim));
  mx::array y = attended(q, past(keys), past(values), scale, time > 1, std::nullopt);
  y = mx::reshape(mx::transpose(y, {0, 2, 1, 3}), {a.qkv.shape(0), a.heads * dim});
  return {mx::astype(y, a.qkv.dtype()), keys, values};
}

// plain_attend for sequences at positions of their own: one after the other.
std::vector<mx::array> plain_attend(const Attended& a, const std::vector<int>& at) {
  if (std::equal(at.begin() + 1, at.end(), at.begin())) return plain_attend(a, at[0]);
  std::vector<mx::array> parts[3], whole;
  int time = a.qkv.shape(0) / a.keys.shape(0);
  for (int b = 0; b < static_cast<int>(at.size()); b++) {
    auto one = [&](const mx::array& cache) { return mx::take(cache, mx::array({b}), 0); };
    Attended sequence = a;
    sequence.qkv = mx::slice(a.qkv, {b * time, 0}, {(b + 1) * time, a.qkv.shape(1)});
    sequence.keys = one(a.keys);
    sequence.values = one(a.values);
    std::vector<mx::array> results = plain_attend(sequence, at[b]);
    for (int i = 0; i < 3; i++) parts[i].push_back(results[i]);
  }
  for (const std::vector<mx::array>& p : parts) whole.push_back(mx::concatenate(p, 0));
  return whole;
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

char* mlxb_project(mlxb_array* out, mlxb_array x, mlxb_array w, mlxb_array scales, mlxb_array biases, int group_size, int bits, mlxb_array norm, float eps,
                   mlxb_array bias, mlxb_array add, int gated) {
  return op("project", out, [&] {
    mx::array a = get(x);
    Projection p{get(w), maybe(scales), maybe(biases), group_size, bits, maybe(norm), eps, maybe(bias), maybe(add), gated != 0};
    check_projection(a, p);
    if (auto y = cpu_project(a, p)) return *y;
    return plain_project(a, p);
  });
}

char* mlxb_attend(mlxb_array* y_keys_values, mlxb_array qkv, mlxb_array q_norm, mlxb_array k_norm, float eps, mlxb_array keys, mlxb_array values, int heads,
                  float theta, const int* at, int n) {
  return guard("attend", [&] {
    require(y_keys_values != nullptr && (at != nullptr || n == 0), "no place for the result, or no positions");
    Attended a{filled(qkv), maybe(q_norm), maybe(k_norm), eps, filled(keys), filled(values), heads, theta};
    check_attended(a, at, n);
    std::vector<int> first(at, at + n);
    auto results = cpu_attend(a.qkv, a.q_norm, a.k_norm, eps, a.keys, a.values, heads, theta, first);
    put_all(y_keys_values, results ? *results : plain_attend(a, first));
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
    return plain_swiglu(g, u);
  });
}

char* mlxb_rms_norm(mlxb_array* out, mlxb_array x, mlxb_array w, float eps) {
  return op("rms_norm", out, [&] {
    mx::array a = filled(x), weight = get(w);
    if (auto y = cpu_rms_norm(a, weight, eps)) return *y;
    return normed(a, weight, eps);
  });
}

char* mlxb_layer_norm(mlxb_array* out, mlxb_array x, mlxb_array w, mlxb_array b, float eps) {
  return op("layer_norm", out, [&] {
    mx::array a = filled(x), weight = get(w), bias = get(b);
    return fast("LayerNorm", a.shape(), a.dtype(), {a, weight, bias}, [&] { return mx::fast::layer_norm(a, weight, bias, eps); });
  });
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
    return turned(a, dims, theta, offset);
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
    return attended(queries, keys, values, scale, causal != 0, m);
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
