// cpu_layout.cpp: numbers brought into another order on the CPU. MLX walks a transposed array number by number, on one
// core; weights of convolutions come transposed.
#include <algorithm>
#include <cstring>

#include "cpu_op.hpp"
#include "cpu_threads.hpp"

namespace bridge {
namespace {

// Walk goes over all places of a view but those of two axes: the last one, along which results lie side by side, and the
// one along which the numbers do. Squares of the two stay in the cache.
struct Walk {
  const Source& from;
  size_t near;  // the axis of step 1, or the last one

  int64_t places() const {
    int64_t n = 1;
    for (size_t axis = 0; axis + 1 < from.shape.size(); axis++) n *= axis == near ? 1 : from.shape[axis];
    return n;
  }

  // at gives where place i is read and written.
  std::pair<int64_t, int64_t> at(int64_t i) const {
    int64_t read = 0, written = 0, step = from.shape.back();
    for (size_t axis = from.shape.size() - 1; axis-- > 0;) {
      if (axis != near) {
        read += i % from.shape[axis] * from.strides[axis];
        written += i % from.shape[axis] * step;
        i /= from.shape[axis];
      }
      step *= from.shape[axis];
    }
    return {read, written};
  }

  // step is how far apart neighbours along the near axis are written.
  int64_t step() const {
    int64_t n = 1;
    for (size_t axis = near + 1; axis < from.shape.size(); axis++) n *= from.shape[axis];
    return n;
  }
};

template <class T>
void reorder(const Source& from, T* to) {
  const size_t last = from.shape.size() - 1;
  size_t near = last;
  for (size_t axis = 0; axis < last; axis++) {
    if (from.strides[axis] == 1 && from.shape[axis] > 1) near = axis;
  }
  const Walk walk{from, near};
  const T* numbers = reinterpret_cast<const T*>(from.data);
  const int64_t columns = from.shape[last], stride = from.strides[last];
  const int64_t rows = near == last ? 1 : from.shape[near], row_step = near == last ? 0 : walk.step();
  constexpr int64_t square = 32, many = 64;
  const int64_t places = walk.places(), bands = places >= many ? 1 : divide_up(columns, square), band = divide_up(columns, bands);
  run_parallel(places * bands, [&](int64_t job) {
    auto [read, written] = walk.at(job / bands);
    const int64_t begin = job % bands * band, end = std::min(begin + band, columns);
    for (int64_t c0 = begin; c0 < end; c0 += square) {
      for (int64_t r0 = 0; r0 < rows; r0 += square) {
        for (int64_t c = c0; c < std::min(c0 + square, end); c++) {
          const T* x = numbers + read + c * stride;
          T* y = to + written + c;
          for (int64_t r = r0; r < std::min(r0 + square, rows); r++) y[r * row_step] = x[r];
        }
      }
    }
  });
}

}  // namespace

mx::array in_order(const mx::array& a) {
  if (!on_cpu() || a.size() == 0 || a.ndim() == 0 || (a.itemsize() != 2 && a.itemsize() != 4)) return mx::contiguous(a);
  return make("Contiguous", a.shape(), a.dtype(), {a}, [](const std::vector<Source>& in, const Target& y) {
    constexpr int64_t many = 1 << 20;
    if (in[0].size * in[0].itemsize >= many) take_pages(y.data, in[0].size * in[0].itemsize);
    if (in[0].itemsize == 2) {
      reorder(in[0], static_cast<uint16_t*>(y.data));
    } else {
      reorder(in[0], static_cast<uint32_t*>(y.data));
    }
  });
}

}  // namespace bridge
