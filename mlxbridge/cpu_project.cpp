// cpu_project.cpp: linear maps on the CPU, with what stands before and after them.
#include <algorithm>
#include <cstring>
#include <numeric>

#include "cpu_op.hpp"
#include "cpu_threads.hpp"

namespace bridge {
namespace {

// Plan is a linear map before its numbers are there. The places are those of the inputs beside x and w; 0 is none.
struct Plan {
  int64_t rows, in, out;
  int group, bits;  // of packed weights
  float eps;
  bool gated;
  int scales = 0, norm = 0, bias = 0, add = 0;
};

Weights weights_of(const Plan& p, const std::vector<Source>& in) {
  const Source& w = in[1];
  Weights m{p.scales != 0, w.type, w.elements(scratch(1)), nullptr, nullptr, p.in, p.group, p.bits};
  if (m.packed) {
    m.type = in[p.scales].type;
    m.scales = in[p.scales].elements(scratch(2));
    m.offsets = in[p.scales + 1].elements(scratch(3));
  }
  return m;
}

// add_groups puts the sum of each group of a row's floats into sums.
void add_groups(const float* x, const Weights& m, float* sums) {
  for (int64_t c = 0; c < m.in; c += m.group) *sums++ = std::accumulate(x + c, x + c + m.group, 0.0f);
}

// prepare brings x into the form that the weights want, normalised when the plan has it so.
Inputs prepare(const Plan& p, const Weights& m, const std::vector<Source>& in) {
  const Kernels& k = kernels();
  const Source& x = in[0];
  const bool halves = x.type == Type::bfloat16 && k.takes_halves(m);
  if (halves && !m.packed && p.norm == 0) {
    return {nullptr, static_cast<const bfloat*>(x.elements(scratch(4))), nullptr, p.rows};
  }
  const float* floats = x.floats(scratch(4));
  if (p.norm != 0) {
    const float* w = in[p.norm].floats(scratch(5));
    scratch(4).resize(x.size);
    for (int64_t t = 0; t < p.rows; t++) k.norm(floats + t * p.in, w, p.eps, scratch(4).data() + t * p.in, p.in);
    floats = scratch(4).data();
  }
  Inputs ready{floats, nullptr, nullptr, p.rows};
  std::vector<float>&rounded = scratch(5), &sums = scratch(6);
  if (halves) {
    rounded.resize(divide_up(x.size, 2));
    bfloat* to = reinterpret_cast<bfloat*>(rounded.data());
    if (m.packed && p.norm != 0) {  // the sums must be those of the rounded numbers
      k.narrow(Type::bfloat16, floats, to, x.size);
      k.widen(Type::bfloat16, to, scratch(4).data(), x.size);
    }
    for (int64_t t = 0; t < p.rows; t++) k.prepare_halves(m, floats + t * p.in, to + t * p.in);
    ready.floats = nullptr;
    ready.halves = to;
  }
  if (m.packed) {
    int64_t groups = p.in / p.group;
    sums.resize(p.rows * groups);
    for (int64_t t = 0; t < p.rows; t++) add_groups(floats + t * p.in, m, sums.data() + t * groups);
    ready.sums = sums.data();
  }
  return ready;
}

// Inputs from row t on.
Inputs rows_from(const Inputs& x, const Weights& m, int64_t t, int64_t rows) {
  return {x.floats != nullptr ? x.floats + t * m.in : nullptr, x.halves != nullptr ? x.halves + t * m.in : nullptr,
          x.sums != nullptr ? x.sums + t * (m.in / m.group) : nullptr, rows};
}

void project(const Plan& p, const std::vector<Source>& in, const Target& y) {
  const Kernels& k = kernels();
  const Weights m = weights_of(p, in);
  const Inputs x = prepare(p, m, in);
  const float* bias = p.bias != 0 ? in[p.bias].floats(scratch(7)) : nullptr;
  thread_local std::vector<float> added;
  const char* add = p.add != 0 ? static_cast<const char*>(in[p.add].elements(added)) : nullptr;
  const bool blocks = x.halves != nullptr && !m.packed;
  const int64_t width = blocks ? halves_at_once * size_of(Type::bfloat16) / size_of(Type::float32) : p.in;
  const Pieces pieces(p.rows, width, p.out, channels_at_once, p.rows * p.in * p.out >= worth_waking);
  run_parallel(pieces.down * pieces.across, [&](int64_t i) {
    thread_local std::vector<float> sums, unpacked;
    int64_t t0 = i / pieces.across * pieces.rows, rows = std::min(pieces.rows, p.rows - t0);
    int64_t n0 = i % pieces.across * pieces.channels, count = std::min(pieces.channels, p.out - n0);
    sums.resize(2 * rows * count);
    if (m.packed) unpacked.resize(scratch_rows * p.in);
    float* up = p.gated ? sums.data() + rows * count : nullptr;
    const Inputs part = rows_from(x, m, t0, rows);
    k.dots(m, part, n0, n0 + count, unpacked.data(), sums.data());
    if (up != nullptr) k.dots(m, part, p.out + n0, p.out + n0 + count, unpacked.data(), up);
    for (int64_t t = 0; t < rows; t++) {
      int64_t at = (t0 + t) * p.out + n0;
      Finish f{up != nullptr ? up + t * count : nullptr, bias != nullptr ? bias + n0 : nullptr,
               add != nullptr ? add + at * size_of(y.type) : nullptr, y.type};
      k.finish(f, sums.data() + t * count, y.at(at), count);
    }
  });
}

}  // namespace

MaybeArray cpu_project(const mx::array& x, const Projection& p) {
  const bool packed = p.scales.has_value();
  Plan plan{0, packed ? static_cast<int64_t>(p.scales->shape(1)) * p.group : p.w.shape(1), p.w.shape(0) / (p.gated ? 2 : 1), p.group, p.bits, p.eps, p.gated};
  if (!applies(x) || x.ndim() == 0 || x.shape(-1) != plan.in || plan.out == 0) return std::nullopt;
  plan.rows = static_cast<int64_t>(x.size()) / plan.in;
  mx::Shape shape = x.shape();
  shape.back() = static_cast<int>(plan.out);
  mx::Dtype dtype = packed ? x.dtype() : mx::promote_types(x.dtype(), p.w.dtype());
  std::vector<mx::array> inputs{x, p.w};
  bool fits = packed ? ours(*p.scales) && ours(*p.offsets) && p.scales->dtype() == p.offsets->dtype() && p.group % 16 == 0 : ours(p.w);
  auto take = [&](const MaybeArray& a, int& place) {
    if (!a) return;
    fits = fits && ours(*a);
    place = static_cast<int>(inputs.size());
    inputs.push_back(*a);
  };
  take(p.scales, plan.scales);
  if (packed) inputs.push_back(*p.offsets);
  take(p.norm, plan.norm);
  take(p.bias, plan.bias);
  take(p.add, plan.add);
  if (!fits || (p.bias && p.bias->shape() != mx::Shape{static_cast<int>(plan.out)}) || (p.add && (p.add->shape() != shape || p.add->dtype() != dtype))) {
    return std::nullopt;
  }
  return make(packed ? "QuantizedLinear" : "Linear", std::move(shape), dtype, std::move(inputs),
              [plan](const std::vector<Source>& in, const Target& y) { project(plan, in, y); });
}

}  // namespace bridge
