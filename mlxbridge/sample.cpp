// sample.cpp: drawing from logits.
#include <cmath>
#include <limits>

#include "count.hpp"
#include "cpu_ops.hpp"
#include "guard.hpp"

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

// What is below the limit becomes −∞, all by temperature: logits, limit, temperature.
std::vector<mx::array> cut(const std::vector<mx::array>& in) {
  mx::array scaled = mx::divide(mx::astype(in[0], mx::float32), in[2]);
  return {mx::where(mx::greater_equal(scaled, mx::divide(mx::astype(in[1], mx::float32), in[2])), scaled, never())};
}

// The smallest logit along the last axis that top-p keeps: going up from the least likely, logits are dropped while their
// probabilities add up to no more than 1−p; the best always stays.
mx::array likeliest(const mx::array& x, float p) {
  mx::array up = mx::sort(x, -1);
  mx::array total = mx::cumsum(mx::softmax(up, -1, /*precise=*/true), -1);
  mx::array kept = mx::where(mx::greater(total, mx::array(1 - p)), up, mx::array(std::numeric_limits<float>::infinity()));
  return mx::minimum(mx::min(kept, -1, /*keepdims=*/true), mx::max(x, -1, /*keepdims=*/true));
}

// Logits with the noise that makes the largest a draw (Gumbel-max): logits, random bits.
std::vector<mx::array> noisy(const std::vector<mx::array>& in) {
  mx::array u = mx::divide(in[1], mx::array(4294967296.0f));
  u = mx::minimum(u, mx::array(std::nextafter(1.0f, 0.0f)));
  return {mx::subtract(in[0], mx::log(mx::negative(mx::log(u))))};
}

// fused is f, one kernel on Metal, where MLX compiles it. Not yet run on a Mac.
template <std::vector<mx::array> (*f)(const std::vector<mx::array>&)>
mx::array fused(const std::vector<mx::array>& in) {
  return fast("Compiled", in[0].shape(), mx::float32, in, [&] {
    if (mx::default_device() == mx::Device::cpu) return f(in)[0];
    static const auto compiled = mx::compile(f);
    return compiled(in)[0];
  });
}

mx::array plain_filter(const mx::array& logits, float temperature, int top_k, float top_p) {
  bool some = top_k > 0 && top_k < logits.shape(-1);
  mx::array x = fused<cut>({logits, some ? kth_largest(logits, top_k) : never(), mx::array(temperature)});
  return top_p < 1 ? fused<cut>({x, likeliest(x, top_p), mx::array(1.0f)}) : x;
}

}  // namespace

extern "C" {

char* mlxb_filter(mlxb_array* out, mlxb_array logits, float temperature, int top_k, float top_p) {
  return op("filter", out, [&] {
    mx::array x = filled(logits);
    require(x.ndim() > 0, "no axis");
    require(temperature > 0 && top_k >= 0 && top_p > 0, "temperature and top-p must be positive, and top-k not negative");
    if (auto y = cpu_filter(x, temperature, top_k, top_p)) return *y;
    return plain_filter(x, temperature, top_k, top_p);
  });
}

char* mlxb_categorical(mlxb_array* out, mlxb_array logits, uint64_t key) {
  return op("categorical", out, [&] {
    mx::array x = filled(logits);
    require(x.ndim() > 0, "no axis");
    if (auto y = cpu_categorical(x, key)) return *y;
    return mx::argmax(fused<noisy>({x, mx::random::bits(x.shape(), 4, mx::random::key(key))}), -1);
  });
}

}  // extern "C"
