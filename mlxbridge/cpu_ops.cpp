// cpu_ops.cpp: the operations of cpu_ops.hpp that are neither linear maps nor attention.
#include "cpu_ops.hpp"

#include <algorithm>
#include <cstring>

#include "cpu_op.hpp"
#include "cpu_threads.hpp"

namespace bridge {
namespace {

// ranges calls body for ranges of rows and channels that together are all of y.
template <class Body>
void ranges(const Rows& r, int64_t channel_step, Body&& body) {
  if (r.rows * r.out * r.taps * r.channels < worth_waking) return body(0, r.rows, 0, r.out);
  const Pieces pieces(r.rows, r.stride * r.channels, r.out, channel_step, true);
  run_parallel(pieces.down * pieces.across, [&](int64_t i) {
    int64_t t = i / pieces.across * pieces.rows, n = i % pieces.across * pieces.channels;
    body(t, std::min(t + pieces.rows, r.rows), n, std::min(n + pieces.channels, r.out));
  });
}

// rounded gives n numbers in 16 bits.
const bfloat* rounded(const float* x, int64_t n, std::vector<float>& buffer) {
  constexpr int64_t piece = 16 << 10;
  buffer.resize(divide_up(n, 2));
  bfloat* halves = reinterpret_cast<bfloat*>(buffer.data());
  run_parallel(divide_up(n, piece), [&](int64_t i) { kernels().narrow(Type::bfloat16, x + i * piece, halves + i * piece, std::min(piece, n - i * piece)); });
  return halves;
}

void convolve(const Rows& r, const Source& x, const Source& w, float* y) {
  const bool panels = w.shape.size() == 4;
  if (!panels || w.type != Type::bfloat16) {
    const float* weights = w.floats(scratch(1));
    const auto body = panels ? kernels().convolve_panels : kernels().convolve;
    return ranges(r, panels ? panel_width : 8, [&](auto... range) { body(r, weights, y, range...); });
  }
  const bfloat* weights = static_cast<const bfloat*>(w.elements(scratch(1)));
  const auto body = kernels().convolve_halves;
  if (body == nullptr || r.channels % 2 != 0) {
    return ranges(r, panel_width, [&](auto... range) { kernels().convolve_half_panels(r, weights, y, range...); });
  }
  const bfloat* halves = rounded(r.x, x.size, scratch(3));
  ranges(r, panel_width, [&](auto... range) { body(r, halves, weights, y, range...); });
}

}  // namespace

MaybeArray cpu_conv1d(const mx::array& x, const mx::array& w, const MaybeArray& bias, int stride, int dilation) {
  if (!applies(x, w) || x.dtype() != mx::float32 || x.shape(0) != 1 || x.shape(2) != w.shape(2)) return std::nullopt;
  const bool panels = w.ndim() == 4;
  if (panels && w.shape(3) != panel_width) return std::nullopt;
  const int out = panels ? w.shape(0) * w.shape(3) : w.shape(0);
  if (bias && (!ours(*bias) || bias->shape() != mx::Shape{out})) return std::nullopt;
  int rows_out = (x.shape(1) - (w.shape(1) - 1) * dilation - 1) / stride + 1;
  Rows rows{nullptr, nullptr, rows_out, out, w.shape(1), w.shape(2), stride, dilation};
  std::vector<mx::array> inputs{x, w};
  if (bias) inputs.push_back(*bias);
  return make("Conv1D", {1, rows_out, out}, mx::float32, std::move(inputs), [rows](const std::vector<Source>& in, const Target& y) {
    Rows r = rows;
    r.x = in[0].floats(scratch(0));
    if (in.size() > 2) r.bias = in[2].floats(scratch(2));
    convolve(r, in[0], in[1], static_cast<float*>(y.data));
  });
}

MaybeArray cpu_rms_norm(const mx::array& x, const mx::array& w, float eps) {
  if (!applies(x, w) || x.ndim() == 0 || w.ndim() != 1 || x.shape(-1) != w.shape(0)) return std::nullopt;
  int64_t width = w.shape(0);
  return make("RMSNorm", x.shape(), x.dtype(), {x, w}, [width, eps](const std::vector<Source>& in, const Target& y) {
    const float* from = in[0].floats(scratch(0));
    const float* weight = in[1].floats(scratch(1));
    std::vector<float>& row = scratch(2);
    row.resize(width);
    for (int64_t at = 0; at < in[0].size; at += width) {
      kernels().norm(from + at, weight, eps, row.data(), width);
      y.write(row.data(), at, width);
    }
  });
}

MaybeArray cpu_snake(const mx::array& x, const mx::array& rate, const mx::array& gain) {
  if (!applies(x, rate, gain) || x.dtype() != mx::float32 || x.ndim() != 2 || rate.shape() != mx::Shape{x.shape(1)} || gain.shape() != rate.shape()) return std::nullopt;
  return make("Snake", x.shape(), x.dtype(), {x, rate, gain}, [](const std::vector<Source>& in, const Target& y) {
    const float *from = in[0].floats(scratch(0)), *rates = in[1].floats(scratch(1)), *gains = in[2].floats(scratch(2));
    int64_t rows = in[0].shape[0], channels = in[0].shape[1], piece = std::max<int64_t>(1, 4096 / channels);
    run_parallel(divide_up(rows, piece), [&](int64_t i) {
      int64_t t = i * piece, at = t * channels;
      kernels().snake(from + at, rates, gains, static_cast<float*>(y.data) + at, std::min(piece, rows - t), channels);
    });
  });
}

namespace {

MaybeArray activation(const char* name, const mx::array& x, void (*body)(const float* x, float* y, int64_t n)) {
  if (!applies(x) || x.dtype() != mx::float32) return std::nullopt;
  return make(name, x.shape(), x.dtype(), {x}, [body](const std::vector<Source>& in, const Target& y) {
    const float* from = in[0].floats(scratch(0));
    constexpr int64_t piece = 16 << 10;
    run_parallel(divide_up(in[0].size, piece), [&](int64_t i) {
      int64_t at = i * piece;
      body(from + at, static_cast<float*>(y.data) + at, std::min(piece, in[0].size - at));
    });
  });
}

}  // namespace

MaybeArray cpu_elu(const mx::array& x) { return activation("ELU", x, kernels().elu); }

MaybeArray cpu_gelu(const mx::array& x) { return activation("GELU", x, kernels().gelu); }

MaybeArray cpu_swiglu(const mx::array& gate, const mx::array& up) {
  if (!applies(gate, up) || gate.shape() != up.shape() || gate.dtype() != up.dtype()) return std::nullopt;
  return make("SwiGLU", gate.shape(), gate.dtype(), {gate, up}, [](const std::vector<Source>& in, const Target& y) {
    const float* g = in[0].floats(scratch(0));
    const float* u = in[1].floats(scratch(1));
    constexpr int64_t piece = 4096;
    run_parallel(divide_up(in[0].size, piece), [&](int64_t i) {
      int64_t at = i * piece;
      kernels().finish({u + at, nullptr, nullptr, y.type}, g + at, y.at(at), std::min(piece, in[0].size - at));
    });
  });
}

MaybeArray cpu_take(const mx::array& table, const mx::array& indices) {
  bool whole = indices.dtype() == mx::int32 || indices.dtype() == mx::uint32;
  if (!on_cpu() || table.ndim() != 2 || table.size() == 0 || indices.size() == 0 || !whole) return std::nullopt;
  mx::Shape shape = indices.shape();
  shape.push_back(table.shape(1));
  return make("Take", std::move(shape), table.dtype(), {table, indices}, [](const std::vector<Source>& in, const Target& y) {
    const char* rows = static_cast<const char*>(in[0].elements(scratch(0)));
    const uint32_t* wanted = static_cast<const uint32_t*>(in[1].elements(scratch(1)));  // a negative one is large
    const uint32_t last = static_cast<uint32_t>(in[0].shape[0] - 1);
    const size_t bytes = in[0].shape[1] * in[0].itemsize;
    for (int64_t i = 0; i < in[1].size; i++) std::memcpy(static_cast<char*>(y.data) + i * bytes, rows + std::min(wanted[i], last) * bytes, bytes);
  });
}

}  // namespace bridge
