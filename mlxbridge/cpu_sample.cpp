// cpu_sample.cpp: drawing from logits on the CPU.
#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>

#include "cpu_op.hpp"

namespace bridge {
namespace {

constexpr float never = -std::numeric_limits<float>::infinity();

// order maps floats to integers that compare as they do, and have a place for what is not a number.
int32_t order(float x) {
  int32_t bits = std::bit_cast<int32_t>(x);
  return bits ^ ((bits >> 31) & 0x7fffffff);
}

float number(int32_t order) { return std::bit_cast<float>(order ^ ((order >> 31) & 0x7fffffff)); }

// kth_largest is the k-th largest of n numbers.
float kth_largest(const float* x, int64_t n, int64_t k) {
  thread_local std::vector<int32_t> orders;
  orders.resize(n);
  std::transform(x, x + n, orders.begin(), order);
  std::nth_element(orders.begin(), orders.begin() + (n - k), orders.end());
  return number(orders[n - k]);
}

// likeliest is the smallest of n numbers that top-p keeps (see plain_filter).
float likeliest(const float* x, int64_t n, float p) {
  thread_local std::vector<int32_t> up;
  up.clear();
  for (int64_t i = 0; i < n; i++) {
    if (x[i] > never) up.push_back(order(x[i]));
  }
  if (up.empty()) return never;
  std::sort(up.begin(), up.end(), [](int32_t a, int32_t b) { return a < b; });  // std::less would be a symbol of the system's libc++
  const float best = number(up.back());
  float sum = 0, total = 0;
  for (int32_t o : up) sum += std::exp(number(o) - best);
  for (int32_t o : up) {
    total += std::exp(number(o) - best) / sum;
    if (total > 1 - p) return number(o);
  }
  return best;
}

void filter(const float* from, float* to, int64_t n, float temperature, int64_t top_k, float top_p) {
  for (int64_t i = 0; i < n; i++) to[i] = from[i] / temperature;
  auto keep = [&](float least) {
    for (int64_t i = 0; i < n; i++) to[i] = to[i] >= least ? to[i] : never;
  };
  if (top_k > 0 && top_k < n) keep(kth_largest(to, n, top_k));
  if (top_p < 1) keep(likeliest(to, n, top_p));
}

struct Pair {
  uint32_t first, second;
};

// threefry is Threefry-2x32 with 20 rounds (Salmon, Moraes, Dror, Shaw 2011), the random numbers of MLX.
Pair threefry(Pair key, Pair counter) {
  constexpr int rotations[2][4] = {{13, 15, 26, 6}, {17, 29, 16, 24}};
  const uint32_t keys[3] = {key.first, key.second, key.first ^ key.second ^ 0x1bd11bda};
  uint32_t a = counter.first + keys[0], b = counter.second + keys[1];
  for (uint32_t block = 0; block < 5; block++) {
    for (int r : rotations[block % 2]) {
      a += b;
      b = std::rotl(b, r) ^ a;
    }
    a += keys[(block + 1) % 3];
    b += keys[(block + 2) % 3] + block + 1;
  }
  return {a, b};
}

// random_bits is number i of the n that MLX makes with a key: each hash gives one of the first half, and one of the second.
uint32_t random_bits(Pair key, uint32_t i, uint32_t n) {
  uint32_t half = n / 2, odd = n % 2;
  if (i < half) return threefry(key, {i, half + odd + i}).first;
  if (odd != 0 && i == half) return threefry(key, {half, 0}).first;
  return threefry(key, {i - half - odd, i}).second;
}

// gumbel turns bits into a number of the Gumbel distribution.
float gumbel(uint32_t bits) {
  constexpr float below_one = 1 - std::numeric_limits<float>::epsilon() / 2;
  float u = std::min(static_cast<float>(bits) / 4294967296.0f, below_one);
  return -std::log(-std::log(u));
}

}  // namespace

MaybeArray cpu_filter(const mx::array& logits, float temperature, int top_k, float top_p) {
  if (!applies(logits)) return std::nullopt;
  int64_t n = logits.shape(-1);
  return make("Filter", logits.shape(), mx::float32, {logits}, [=](const std::vector<Source>& in, const Target& y) {
    const float* from = in[0].floats(scratch(0));
    for (int64_t at = 0; at < in[0].size; at += n) filter(from + at, static_cast<float*>(y.data) + at, n, temperature, top_k, top_p);
  });
}

MaybeArray cpu_categorical(const mx::array& logits, uint64_t key) {
  if (!applies(logits)) return std::nullopt;
  mx::Shape shape = logits.shape();
  int64_t n = shape.back();
  shape.pop_back();
  const Pair pair{static_cast<uint32_t>(key >> 32), static_cast<uint32_t>(key)};
  return make("Categorical", std::move(shape), mx::uint32, {logits}, [=](const std::vector<Source>& in, const Target& y) {
    const float* from = in[0].floats(scratch(0));
    for (int64_t at = 0; at < in[0].size; at += n) {
      uint32_t best = 0;
      float most = never;
      for (int64_t i = 0; i < n; i++) {  // most are impossible, and need no random number
        if (!(from[at + i] > never)) continue;
        float score = from[at + i] + gumbel(random_bits(pair, static_cast<uint32_t>(at + i), static_cast<uint32_t>(in[0].size)));
        if (score > most) {
          most = score;
          best = static_cast<uint32_t>(i);
        }
      }
      static_cast<uint32_t*>(y.data)[at / n] = best;
    }
  });
}

}  // namespace bridge
