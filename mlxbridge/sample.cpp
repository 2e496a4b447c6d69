// sample.cpp: drawing from logits.
#include <cmath>
#include <limits>

#include "cpu_ops.hpp"
#include "guard.hpp"
#include "metal_kernels.hpp"

using namespace bridge;

namespace {

mx::array never() { return mx::array(-std::numeric_limits<float>::infinity()); }

// The k-th largest along the last axis.
mx::array kth_largest(const mx::array& x, int k) {
  mx::Shape start(x.ndim(), 0), stop = x.shape();
  start.back() = stop.back() - k;
  stop.back() = start.back() + 1;
  return mx::slice(mx::sort(x, -1), start, stop);
}

// What is below the limit becomes −∞.
mx::array cut(const mx::array& x, const mx::array& limit) { return mx::where(mx::greater_equal(x, limit), x, never()); }

// The smallest logit along the last axis that top-p keeps: going up from the least likely, logits are dropped while their
// probabilities add up to no more than 1−p; the best always stays.
mx::array likeliest(const mx::array& x, float p) {
  mx::array up = mx::sort(x, -1);
  mx::array total = mx::cumsum(mx::softmax(up, -1, /*precise=*/true), -1);
  mx::array kept = mx::where(mx::greater(total, mx::array(1 - p)), up, mx::array(std::numeric_limits<float>::infinity()));
  return mx::minimum(mx::min(kept, -1, /*keepdims=*/true), mx::max(x, -1, /*keepdims=*/true));
}

}  // namespace

namespace bridge {

mx::array plain_filter(const mx::array& logits, float temperature, int top_k) {
  mx::array x = mx::divide(mx::astype(logits, mx::float32), mx::array(temperature));
  return top_k > 0 && top_k < x.shape(-1) ? cut(x, kth_largest(x, top_k)) : x;
}

// Gumbel-max: logits − log(−log(u)).
mx::array plain_noisy(const mx::array& logits, uint64_t key) {
  mx::array u = mx::divide(mx::random::bits(logits.shape(), 4, mx::random::key(key)), mx::array(4294967296.0f));
  u = mx::minimum(u, mx::array(std::nextafter(1.0f, 0.0f)));
  return mx::subtract(logits, mx::log(mx::negative(mx::log(u))));
}

}  // namespace bridge

extern "C" {

char* mlxb_filter(mlxb_array* out, mlxb_array logits, float temperature, int top_k, float top_p) {
  return op("filter", out, [&] {
    mx::array x = filled(logits);
    require(x.ndim() > 0, "no axis");
    require(temperature > 0 && top_k >= 0 && top_p > 0, "temperature and top-p must be positive, and top-k not negative");
    if (auto y = cpu_filter(x, temperature, top_k, top_p)) return *y;
    MaybeArray own = metal_filter(x, temperature, top_k);
    mx::array y = own ? *own : plain_filter(x, temperature, top_k);
    return top_p < 1 ? cut(y, likeliest(y, top_p)) : y;
  });
}

char* mlxb_categorical(mlxb_array* out, mlxb_array logits, uint64_t key) {
  return op("categorical", out, [&] {
    mx::array x = filled(logits);
    require(x.ndim() > 0, "no axis");
    if (auto y = cpu_categorical(x, key)) return *y;
    MaybeArray own = metal_noisy(x, key);
    return mx::argmax(own ? *own : plain_noisy(x, key), -1);
  });
}

}  // extern "C"
