// cpu_ops.cpp: see cpu_ops.hpp.
#include "cpu_ops.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <vector>

#include "cpu_kernels.hpp"
#include "cpu_threads.hpp"
#include "mlx/backend/cpu/encoder.h"
#include "mlx/primitives.h"

namespace bridge {
namespace {

namespace mx = mlx::core;

// The numbers of an input while a computation runs on the stream's thread, where the array itself may not be held.
struct Source {
  const void* data;
  bool half, contiguous;
  mx::Shape shape;
  mx::Strides strides;
  int64_t size;

  explicit Source(const mx::array& a)
      : data(a.data<char>()), half(a.dtype() == mx::bfloat16), contiguous(a.flags().row_contiguous), shape(a.shape()), strides(a.strides()),
        size(static_cast<int64_t>(a.size())) {}

  // floats gives the numbers in row order, in place when they are so already, else copied to buffer.
  const float* floats(std::vector<float>& buffer) const {
    if (contiguous && !half) return static_cast<const float*>(data);
    buffer.resize(size);
    if (contiguous) {
      widen(static_cast<const bfloat*>(data), buffer.data(), size);
    } else {
      float* to = buffer.data();
      copy(0, 0, to);
    }
    return buffer.data();
  }

 private:
  void copy(size_t axis, int64_t at, float*& to) const {
    if (axis == shape.size()) {
      if (half) {
        widen(static_cast<const bfloat*>(data) + at, to++, 1);
      } else {
        *to++ = static_cast<const float*>(data)[at];
      }
      return;
    }
    for (int i = 0; i < shape[axis]; i++) copy(axis + 1, at + i * strides[axis], to);
  }
};

// Target is where an operation's result goes, in row order.
struct Target {
  void* data;
  bool half;

  void write(const float* from, int64_t at, int64_t n) const {
    if (half) {
      narrow(from, static_cast<bfloat*>(data) + at, n);
    } else {
      std::memcpy(static_cast<float*>(data) + at, from, n * sizeof(float));
    }
  }
};

// Buffers of the calling thread, for one operation at a time.
thread_local std::array<std::vector<float>, 6> buffers;

template <int Use>
std::vector<float>& scratch() {
  return buffers[Use];
}

// A buffer that was needed once for a long prompt is not kept for ever.
void drop_large_buffers() {
  constexpr size_t large = 4 << 20;  // numbers: 16 MiB
  for (std::vector<float>& b : buffers) {
    if (b.capacity() > large) std::vector<float>().swap(b);
  }
}

using Body = std::function<void(const std::vector<Source>&, const Target&)>;

// CPUOperation is an MLX operation whose result is in row order.
class CPUOperation : public mx::UnaryPrimitive {
 public:
  CPUOperation(const char* name, Body body) : mx::UnaryPrimitive(mx::default_stream(mx::Device::cpu)), name_(name), body_(std::move(body)) {}

  void eval_cpu(const std::vector<mx::array>& inputs, mx::array& out) override {
    out.set_data(mx::allocator::malloc(out.nbytes()));
    std::vector<Source> sources(inputs.begin(), inputs.end());
    Target target{out.data<char>(), out.dtype() == mx::bfloat16};
    mx::cpu::get_command_encoder(stream()).dispatch([body = body_, sources = std::move(sources), target] {
      body(sources, target);
      drop_large_buffers();
    });
  }

  void eval_gpu(const std::vector<mx::array>&, mx::array&) override { throw std::runtime_error("a CPU operation on the GPU"); }
  const char* name() const override { return name_; }

 private:
  const char* name_;
  Body body_;
};

mx::array make(const char* name, mx::Shape shape, mx::Dtype dtype, std::vector<mx::array> inputs, Body body) {
  return mx::array(std::move(shape), dtype, std::make_shared<CPUOperation>(name, std::move(body)), std::move(inputs));
}

bool ours(const mx::array& a) { return (a.dtype() == mx::float32 || a.dtype() == mx::bfloat16) && a.size() > 0; }

template <class... Arrays>
bool applies(const Arrays&... arrays) {
  static const bool plain = [] {
    const char* value = std::getenv("TTSUI_PLAIN");
    return value != nullptr && std::strcmp(value, "1") == 0;
  }();
  return !plain && mx::default_device() == mx::Device::cpu && (ours(arrays) && ...);
}

bool fits(const MaybeArray& bias, const mx::array& w) { return !bias || (ours(*bias) && bias->ndim() == 1 && bias->shape(0) == w.shape(0)); }

void compute(Rows rows, const Source& w, const Target& y) {
  auto to = [&](auto* weights) {
    if (y.half) {
      compute_rows(rows, weights, static_cast<bfloat*>(y.data));
    } else {
      compute_rows(rows, weights, static_cast<float*>(y.data));
    }
  };
  if (w.half && w.contiguous) {
    to(static_cast<const bfloat*>(w.data));
  } else {
    to(w.floats(scratch<1>()));
  }
}

mx::array make_rows(const char* name, mx::Shape shape, const Rows& rows, const mx::array& x, const mx::array& w, const MaybeArray& bias) {
  std::vector<mx::array> inputs{x, w};
  if (bias) inputs.push_back(*bias);
  return make(name, std::move(shape), mx::promote_types(x.dtype(), w.dtype()), std::move(inputs), [rows](const std::vector<Source>& in, const Target& y) {
    Rows r = rows;
    r.x = in[0].floats(scratch<0>());
    if (in.size() > 2) r.bias = in[2].floats(scratch<2>());
    compute(r, in[1], y);
  });
}

}  // namespace

MaybeArray cpu_linear(const mx::array& x, const mx::array& w, const MaybeArray& bias) {
  if (!applies(x, w) || x.ndim() == 0 || x.shape(-1) != w.shape(1) || !fits(bias, w)) return std::nullopt;
  mx::Shape shape = x.shape();
  shape.back() = w.shape(0);
  Rows rows{nullptr, nullptr, static_cast<int64_t>(x.size() / x.shape(-1)), w.shape(0), 1, w.shape(1), 1, 1};
  return make_rows("Linear", std::move(shape), rows, x, w, bias);
}

MaybeArray cpu_quantized_linear(const mx::array& x, const mx::array& w, const mx::array& scales, const mx::array& offsets, const MaybeArray& bias,
                                int group, int bits) {
  int64_t in = static_cast<int64_t>(scales.shape(1)) * group;
  if (!applies(x, scales, offsets) || x.ndim() == 0 || x.shape(-1) != in || !fits(bias, w) || group % 16 != 0) return std::nullopt;
  mx::Shape shape = x.shape();
  shape.back() = w.shape(0);
  // The words are contiguous at no cost: weights are read that way.
  std::vector<mx::array> inputs{x, mx::contiguous(w), scales, offsets};
  if (bias) inputs.push_back(*bias);
  PackedRows rows{nullptr, nullptr, nullptr, nullptr, nullptr, static_cast<int64_t>(x.size() / in), w.shape(0), in, group, bits};
  return make("QuantizedLinear", std::move(shape), x.dtype(), std::move(inputs), [rows](const std::vector<Source>& from, const Target& y) {
    PackedRows r = rows;
    r.x = from[0].floats(scratch<0>());
    r.w = static_cast<const uint8_t*>(from[1].data);
    r.scales = from[2].floats(scratch<1>());
    r.offsets = from[3].floats(scratch<2>());
    if (from.size() > 4) r.bias = from[4].floats(scratch<3>());
    if (y.half) {
      compute_packed(r, static_cast<bfloat*>(y.data));
    } else {
      compute_packed(r, static_cast<float*>(y.data));
    }
  });
}

MaybeArray cpu_conv1d(const mx::array& x, const mx::array& w, const MaybeArray& bias, int stride, int dilation) {
  if (!applies(x, w) || x.shape(0) != 1 || x.shape(2) != w.shape(2) || !fits(bias, w)) return std::nullopt;
  int rows_out = (x.shape(1) - (w.shape(1) - 1) * dilation - 1) / stride + 1;
  Rows rows{nullptr, nullptr, rows_out, w.shape(0), w.shape(1), w.shape(2), stride, dilation};
  return make_rows("Conv1D", {1, rows_out, w.shape(0)}, rows, x, w, bias);
}

MaybeArray cpu_rms_norm(const mx::array& x, const mx::array& w, float eps) {
  if (!applies(x, w) || x.ndim() == 0 || w.ndim() != 1 || x.shape(-1) != w.shape(0)) return std::nullopt;
  int64_t width = w.shape(0);
  return make("RMSNorm", x.shape(), x.dtype(), {x, w}, [width, eps](const std::vector<Source>& in, const Target& y) {
    const float* from = in[0].floats(scratch<0>());
    const float* weight = in[1].floats(scratch<1>());
    std::vector<float>& row = scratch<2>();
    row.resize(width);
    for (int64_t at = 0; at < in[0].size; at += width) {
      double squares = 0;
      for (int64_t i = 0; i < width; i++) squares += static_cast<double>(from[at + i]) * from[at + i];
      float factor = static_cast<float>(1 / std::sqrt(squares / static_cast<double>(width) + eps));
      for (int64_t i = 0; i < width; i++) row[i] = from[at + i] * factor * weight[i];
      y.write(row.data(), at, width);
    }
  });
}

MaybeArray cpu_rope(const mx::array& x, float theta, int offset) {
  if (!applies(x)) return std::nullopt;
  int64_t heads = static_cast<int64_t>(x.shape(0)) * x.shape(1), time = x.shape(2), dims = x.shape(3);
  return make("RoPE", x.shape(), x.dtype(), {x}, [=](const std::vector<Source>& in, const Target& y) {
    const float* from = in[0].floats(scratch<0>());
    std::vector<float>& turned = scratch<1>();
    turned.resize(dims);
    int64_t half = dims / 2;
    std::vector<float>& angles = scratch<2>();  // cos, then sin
    angles.resize(2 * half);
    for (int64_t t = 0; t < time; t++) {
      for (int64_t j = 0; j < half; j++) {
        float frequency = static_cast<float>(std::pow(static_cast<double>(theta), -2.0 * static_cast<double>(j) / static_cast<double>(dims)));
        float angle = static_cast<float>(offset + t) * frequency;
        angles[j] = std::cos(angle);
        angles[half + j] = std::sin(angle);
      }
      for (int64_t h = 0; h < heads; h++) {
        int64_t at = (h * time + t) * dims;
        for (int64_t j = 0; j < half; j++) {
          float a = from[at + j], b = from[at + half + j];
          turned[j] = a * angles[j] - b * angles[half + j];
          turned[half + j] = b * angles[j] + a * angles[half + j];
        }
        y.write(turned.data(), at, dims);
      }
    }
  });
}

namespace {

struct AttentionShape {
  int64_t heads, kv_heads, time, positions, dim;
  float scale;
  bool causal;
};

// Rows of k and v are used where they are when the numbers of each lie side by side: the caches are views.
template <class KV>
void attention(const AttentionShape& a, const float* q, const Source& k, const Source& v, const float* mask, const Target& y) {
  run_parallel(a.heads * a.time, [&](int64_t i) noexcept {
    int64_t h = i / a.time, t = i % a.time, kv = h / (a.heads / a.kv_heads);
    std::vector<float>&scores = scratch<3>(), &out = scratch<4>();
    scores.resize(a.positions);
    out.resize(a.dim);
    Query query{q + i * a.dim, mask != nullptr ? mask + t * a.positions : nullptr, a.causal ? a.positions - a.time + t + 1 : a.positions, a.dim,
                k.strides[2], v.strides[2], a.scale};
    attend(query, static_cast<const KV*>(k.data) + kv * k.strides[1], static_cast<const KV*>(v.data) + kv * v.strides[1], scores.data(), out.data());
    y.write(out.data(), i * a.dim, a.dim);
  });
}

// as_floats copies s in row order.
Source as_floats(const Source& s, std::vector<float>& buffer) {
  Source copy = s;
  copy.data = s.floats(buffer);
  copy.half = false;
  int64_t step = 1;
  for (int axis = 3; axis >= 0; step *= s.shape[axis--]) copy.strides[axis] = step;
  return copy;
}

}  // namespace

MaybeArray cpu_attention(const mx::array& q, const mx::array& k, const mx::array& v, float scale, bool causal, const MaybeArray& mask) {
  if (!applies(q, k, v) || q.ndim() != 4 || v.ndim() != 4 || q.shape(0) != 1 || k.shape(0) != 1 || k.shape() != v.shape() || q.shape(3) != k.shape(3) ||
      q.shape(1) % k.shape(1) != 0 || k.dtype() != v.dtype() || (causal && q.shape(2) > k.shape(2))) {
    return std::nullopt;
  }
  if (mask && (!ours(*mask) || mask->ndim() != 2 || mask->shape(0) != q.shape(2) || mask->shape(1) != k.shape(2))) return std::nullopt;
  AttentionShape shape{q.shape(1), k.shape(1), q.shape(2), k.shape(2), q.shape(3), scale, causal};
  std::vector<mx::array> inputs{q, k, v};
  if (mask) inputs.push_back(*mask);
  return make("Attention", q.shape(), q.dtype(), std::move(inputs), [shape](const std::vector<Source>& in, const Target& y) {
    const float* query = in[0].floats(scratch<0>());
    const float* mask = in.size() > 3 ? in[3].floats(scratch<5>()) : nullptr;
    Source keys = in[1], values = in[2];
    if (keys.strides[3] != 1 || values.strides[3] != 1) {
      keys = as_floats(keys, scratch<1>());
      values = as_floats(values, scratch<2>());
    }
    if (keys.half) {
      attention<bfloat>(shape, query, keys, values, mask, y);
    } else {
      attention<float>(shape, query, keys, values, mask, y);
    }
  });
}

MaybeArray cpu_snake(const mx::array& x, const mx::array& rate, const mx::array& gain) {
  if (!applies(x, rate, gain) || x.dtype() != mx::float32 || x.ndim() != 2 || rate.shape() != mx::Shape{x.shape(1)} || gain.shape() != rate.shape()) return std::nullopt;
  return make("Snake", x.shape(), x.dtype(), {x, rate, gain}, [](const std::vector<Source>& in, const Target& y) {
    const float *from = in[0].floats(scratch<0>()), *rates = in[1].floats(scratch<1>()), *gains = in[2].floats(scratch<2>());
    compute_snake(from, rates, gains, static_cast<float*>(y.data), in[0].shape[0], in[0].shape[1]);
  });
}

MaybeArray cpu_swiglu(const mx::array& gate, const mx::array& up) {
  if (!applies(gate, up) || gate.shape() != up.shape() || gate.dtype() != up.dtype()) return std::nullopt;
  return make("SwiGLU", gate.shape(), gate.dtype(), {gate, up}, [](const std::vector<Source>& in, const Target& y) {
    const float* g = in[0].floats(scratch<0>());
    const float* u = in[1].floats(scratch<1>());
    constexpr int64_t piece = 1024;
    run_parallel((in[0].size + piece - 1) / piece, [&](int64_t i) {
      float row[piece];
      int64_t at = i * piece, n = std::min(piece, in[0].size - at);
      for (int64_t j = 0; j < n; j++) row[j] = g[at + j] / (1 + std::exp(-g[at + j])) * u[at + j];
      y.write(row, at, n);
    });
  });
}

}  // namespace bridge
