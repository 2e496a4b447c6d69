// nn.cpp: the operations a network is made of. Each has one entry here, so that a backend's faster body can stand
// behind it without the model above knowing.
#include <algorithm>
#include <cmath>
#include <numeric>
#include <optional>

#include "count.hpp"
#include "cpu_op.hpp"
#include "guard.hpp"
#include "metal_kernels.hpp"

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

// plain_project is a projection by MLX's operations; across is wᵀ unless w is quantised.
mx::array plain_project(const mx::array& x, const Projection& p, const std::optional<mx::array>& across) {
  mx::array a = p.norm ? normed(x, *p.norm, p.eps) : x;
  auto linear = [&] {
    if (p.scales) {
      mx::array y = mx::quantized_matmul(a, p.w, *p.scales, *p.offsets, /*transpose=*/true, p.group, p.bits);
      return p.bias ? mx::add(y, *p.bias) : y;
    }
    if (p.bias) return mx::addmm(*p.bias, a, *across);
    if (p.add && !p.gated) return mx::addmm(*p.add, a, *across);
    return mx::matmul(a, *across);
  };
  mx::array y = linear();
  if (p.gated) {
    MaybeArray own = metal_gated(y);
    y = own ? *own : plain_gated(y);
  }
  bool added = !p.scales && !p.bias && !p.gated;
  return p.add && !added ? mx::add(y, *p.add) : y;
}

void check_attended(const Attended& a) {
  require(a.qkv.ndim() == 2 && a.heads > 0, "attend wants [rows, width] and heads");
  for (size_t i = 0; i < a.caches.size(); i++) {
    const mx::Shape& shape = a.caches[i].shape();
    require(shape.size() == 4 && shape[0] == 2, "attend wants caches [2, kv heads, room, dim]");
    require(shape[1] == a.caches[0].shape(1) && shape[3] == a.caches[0].shape(3), "the sequences' caches differ in heads");
    require(a.at[i] >= 0 && static_cast<int64_t>(a.at[i]) + a.time() <= shape[2], "no room in the cache");
    require_memory(1.0 * a.qkv.shape(0) * a.heads * shape[2] * sizeof(float));
  }
  int kv_heads = a.kv_heads(), dim = a.dim();
  require(a.qkv.shape(0) % a.sequences() == 0, "each sequence has as many rows");
  require(a.heads % kv_heads == 0 && dim % 2 == 0, "the heads don't fit");
  require(a.qkv.shape(1) == (static_cast<int64_t>(a.heads) + 2 * static_cast<int64_t>(kv_heads)) * dim, "the rows have not the width of all heads");
  require(a.q_norm.has_value() == a.k_norm.has_value(), "one norm without the other");
  if (a.q_norm) require(a.q_norm->shape() == mx::Shape{dim} && a.k_norm->shape() == mx::Shape{dim}, "the norms don't fit");
}

// plain_attend is mlxb_attend for one sequence by MLX's operations.
std::vector<mx::array> plain_attend(const Attended& a) {
  int kv_heads = a.kv_heads(), dim = a.dim(), time = a.time(), at = a.at[0];
  std::optional<Heads> own = metal_heads(a);
  Heads heads = own ? *own : plain_heads(a);
  mx::array rows = mx::astype(heads.keys_values, a.caches[0].dtype());
  mx::array cache = mx::slice_update(a.caches[0], rows, mx::Shape{0, 0, at, 0}, mx::Shape{2, kv_heads, at + time, dim});
  auto past = [&](int first) { return mx::slice(cache, {first, 0, 0, 0}, {first + 1, kv_heads, at + time, dim}); };
  float scale = 1 / std::sqrt(static_cast<float>(dim));
  mx::array y = attended(heads.queries, past(0), past(1), scale, time > 1, std::nullopt);  // [1, heads, time, dim]
  if (time > 1) y = mx::transpose(y, {0, 2, 1, 3});
  return {mx::astype(mx::reshape(y, {time, a.heads * dim}), a.qkv.dtype()), cache};
}

// plain_attend_all is plain_attend for one sequence after the other.
std::vector<mx::array> plain_attend_all(const Attended& a) {
  if (a.sequences() == 1) return plain_attend(a);
  std::vector<mx::array> y, results{a.qkv};
  for (int b = 0; b < a.sequences(); b++) {
    Attended one = a;
    one.qkv = mx::slice(a.qkv, {b * a.time(), 0}, {(b + 1) * a.time(), a.qkv.shape(1)});
    one.caches = {a.caches[b]};
    one.at = {a.at[b]};
    std::vector<mx::array> part = plain_attend(one);
    y.push_back(part[0]);
    results.push_back(part[1]);
  }
  results[0] = mx::concatenate(std::move(y), 0);
  return results;
}

void check_conv(const mx::array& x, const mx::array& w, int stride, int dilation, int groups) {
  require(x.ndim() == 3 && (w.ndim() == 3 || w.ndim() == 4), "convolution wants [batch, time, channels] and [out, k, in] or panels of that");
  require(stride > 0 && dilation > 0 && groups > 0, "stride, dilation and groups must be positive");
  require(x.shape(2) == static_cast<int64_t>(w.shape(2)) * groups && w.shape(0) % groups == 0, "the channels don't fit the weight");
  require(w.ndim() == 3 || static_cast<int64_t>(w.shape(0)) * w.shape(3) <= INT32_MAX, "shape too large");
}

// A convolution's weights out of their panels [out/width, k, in, width], as a view [out, k, in].
mx::array out_of_panels(const mx::array& w) {
  return mx::reshape(mx::transpose(w, {0, 3, 1, 2}), {w.shape(0) * w.shape(3), w.shape(1), w.shape(2)});
}

// MLX's CPU backend lays the windows of an undilated convolution out side by side.
void check_windows(const mx::array& x, const mx::array& w, int stride) {
  if (mx::default_device() != mx::Device::cpu) return;
  double rows = 1.0 * x.shape(0) * ((x.shape(1) - w.shape(1)) / stride + 1), columns = 1.0 * w.shape(1) * x.shape(2);
  require(rows <= INT32_MAX && columns <= INT32_MAX, "shape too large");
  require_memory(rows * columns * sizeof(float));
}

}  // namespace

namespace bridge {

Heads plain_heads(const Attended& a) {
  int dim = a.dim(), time = a.time(), kv_heads = a.kv_heads();
  auto rows = [&](int first, int heads) {  // [1, heads, time, dim]
    mx::array part = mx::slice(a.qkv, {0, first * dim}, {time, (first + heads) * dim});
    return mx::transpose(mx::reshape(part, {1, time, heads, dim}), {0, 2, 1, 3});
  };
  auto placed = [&](mx::array x, const std::optional<mx::array>& norm) {
    if (norm) x = normed(x, *norm, a.eps);
    return turned(x, dim, a.theta, a.at[0]);
  };
  mx::array keys = placed(rows(a.heads, kv_heads), a.k_norm), values = rows(a.heads + kv_heads, kv_heads);
  return {placed(rows(0, a.heads), a.q_norm), mx::concatenate({keys, values}, 0)};
}

mx::array plain_gated(const mx::array& gate_up) {
  std::vector<mx::array> halves = mx::split(gate_up, 2, -1);
  return plain_swiglu(halves[0], halves[1]);
}

}  // namespace bridge

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
    return plain_project(a, p, p.scales ? std::nullopt : std::optional(transposed(w)));
  });
}

char* mlxb_attend(mlxb_array* y_caches, mlxb_array qkv, mlxb_array q_norm, mlxb_array k_norm, float eps, const mlxb_array* caches, int heads, float theta,
                  const int* at, int n) {
  return guard("attend", [&] {
    require(n > 0 && y_caches != nullptr && at != nullptr && caches != nullptr, "no sequence, or no place for the results");
    Attended a{filled(qkv), maybe(q_norm), maybe(k_norm), eps, {}, heads, theta, {at, at + n}};
    for (int i = 0; i < n; i++) a.caches.push_back(filled(caches[i]));
    check_attended(a);
    auto results = cpu_attend(a);
    put_all(y_caches, results ? *results : plain_attend_all(a));
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

char* mlxb_conv_weights(mlxb_array* out, mlxb_array w) {
  return op("conv_weights", out, [&] {
    mx::array weight = filled(w);
    require(weight.ndim() >= 3, "convolution wants weights [out…, k, in]");
    const int axes = static_cast<int>(weight.ndim()), taps = weight.shape(-2), in = weight.shape(-1), width = static_cast<int>(panel_width);
    const int count = static_cast<int>(weight.size() / taps / in);
    if (!on_cpu() || !ours(weight) || weight.shape(-3) % width != 0) return mx::reshape(in_order(weight), {count, taps, in});
    mx::Shape split(weight.shape().begin(), weight.shape().end() - 3);
    split.insert(split.end(), {weight.shape(-3) / width, width, taps, in});
    std::vector<int> order(axes + 1);
    std::iota(order.begin(), order.end(), 0);
    std::rotate(order.end() - 3, order.end() - 2, order.end());  // width behind taps and in
    return mx::reshape(in_order(mx::transpose(mx::reshape(weight, split), order)), {count / width, taps, in, width});
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
    if (weight.ndim() == 4) weight = out_of_panels(weight);
    if (dilation == 1) check_windows(a, weight, stride);
    const bool halved = a.dtype() == mx::float32 && weight.dtype() == mx::bfloat16;
    mx::array y = mx::conv1d(halved ? mx::astype(a, mx::bfloat16) : a, weight, stride, /*padding=*/0, dilation, groups);
    if (halved) y = mx::astype(y, mx::float32);
    return b ? mx::add(y, *b) : y;
  });
}

}  // extern "C"
