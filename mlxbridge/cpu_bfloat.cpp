// cpu_bfloat.cpp: see cpu_bfloat.hpp.
#include "cpu_bfloat.hpp"

#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__)

#include <immintrin.h>

#include <array>
#include <type_traits>

#pragma GCC push_options
#pragma GCC target("avx512f,avx512bw,avx512vl,avx512dq,avx512bf16,avx512vbmi,fma")

namespace bridge {
namespace {

constexpr int64_t most_groups = 1024;  // of a row
constexpr int most_few = 8;            // rows of x whose sums are kept in registers at once
constexpr int64_t ahead = 2048;        // bytes: packed weights come so slowly that memory would stop at each page's end

bool takes_halves(const Weights& w) {
  if (w.packed) return w.type != Type::float16 && w.in % 64 == 0 && w.in / w.group <= most_groups;
  return w.type == Type::bfloat16 && w.in % 32 == 0;
}

inline __m512i load(const bfloat* p) { return _mm512_loadu_si512(p); }

inline __m512 dot(__m512 sum, __m512i a, __m512i b) { return _mm512_dpbf16_ps(sum, (__m512bh)a, (__m512bh)b); }

// order gives the indices of every other number from the first on.
constexpr std::array<uint16_t, 32> order(uint16_t first) {
  std::array<uint16_t, 32> list{};
  for (uint16_t i = 0; i < 32; i++) list[i] = static_cast<uint16_t>(2 * i + first);
  return list;
}

// pairs gives the indices of two vectors' numbers in turns, from the first on.
constexpr std::array<uint16_t, 32> pairs(uint16_t first) {
  std::array<uint16_t, 32> list{};
  for (uint16_t i = 0; i < 32; i++) list[i] = static_cast<uint16_t>(first + i / 2 + i % 2 * 32);
  return list;
}

// Packed weights come two to a 16-bit word: the inputs of the first ones of each 64 lie before those of the others.
void prepare_halves(const Weights& w, const float* x, bfloat* halves) {
  static constexpr std::array<uint16_t, 32> even = order(0), odd = order(1);
  for (int64_t c = 0; c + 32 <= w.in; c += 32) {
    __m512i low = (__m512i)_mm512_cvtne2ps_pbh(_mm512_loadu_ps(x + c + 16), _mm512_loadu_ps(x + c));
    if (w.packed) {
      c += 32;
      __m512i high = (__m512i)_mm512_cvtne2ps_pbh(_mm512_loadu_ps(x + c + 16), _mm512_loadu_ps(x + c));
      _mm512_storeu_si512(halves + c - 32, _mm512_permutex2var_epi16(low, _mm512_loadu_si512(even.data()), high));
      low = _mm512_permutex2var_epi16(low, _mm512_loadu_si512(odd.data()), high);
    }
    _mm512_storeu_si512(halves + c, low);
  }
}

// by_rows calls body(T, t) for the rows from t to end, T at once from row t on: as many sums as registers hold, then fewer.
template <class Body>
inline void by_rows(int64_t t, int64_t end, Body&& body) {
  for (; t + 12 <= end; t += 12) body(std::integral_constant<int, 12>{}, t);
  for (; t + 4 <= end; t += 4) body(std::integral_constant<int, 4>{}, t);
  for (; t < end; t++) body(std::integral_constant<int, 1>{}, t);
}

// few_rows computes the sums of T rows of x and reads the weights from the first to the last.
template <int T>
void few_rows(const Weights& m, const bfloat* x, int64_t n0, int64_t n1, float* y) {
  constexpr int U = T == 1 ? 4 : T <= 3 ? 2 : 1;
  const bfloat* w = static_cast<const bfloat*>(m.data);
  for (int64_t n = n0; n < n1; n++) {
    const bfloat* row = w + n * m.in;
    __m512 sums[T][U] = {};
    int64_t c = 0;
    for (; c + 32 * U <= m.in; c += 32 * U) {
#pragma GCC unroll 4
      for (int u = 0; u < U; u++) {
        __m512i v = load(row + c + 32 * u);
#pragma GCC unroll 8
        for (int t = 0; t < T; t++) sums[t][u] = dot(sums[t][u], v, load(x + t * m.in + c + 32 * u));
      }
    }
    for (; c < m.in; c += 32) {
#pragma GCC unroll 8
      for (int t = 0; t < T; t++) sums[t][0] = dot(sums[t][0], load(row + c), load(x + t * m.in + c));
    }
    for (int t = 0; t < T; t++) {
      for (int u = 1; u < U; u++) sums[t][0] = _mm512_add_ps(sums[t][0], sums[t][u]);
      y[t * (n1 - n0) + n - n0] = _mm512_reduce_add_ps(sums[t][0]);
    }
  }
}

// Block is the weights of some channels and some inputs, two inputs of a channel side by side, the channels behind each other:
// what a row's inputs are multiplied by at once, without a sum across a register.
struct Block {
  static constexpr int64_t channels = channels_at_once, inputs = halves_at_once;  // a half of the first-level cache
  alignas(64) uint32_t pairs[inputs / 2][channels];
};

// swaps gives the indices of a step of transpose: of two rows, the numbers whose place lacks the bit d, or those that have it.
constexpr std::array<uint32_t, 16> swaps(uint32_t d, bool with) {
  std::array<uint32_t, 16> list{};
  for (uint32_t j = 0; j < 16; j++) list[j] = (j & d) != 0 ? 16 + (with ? j : j - d) : with ? j + d : j;
  return list;
}

// transpose swaps rows and columns of 16 rows of 16 words: in each step, two rows that are d apart swap words d apart.
inline void transpose(__m512i* rows) {
  static constexpr std::array<uint32_t, 16> without[] = {swaps(1, false), swaps(2, false), swaps(4, false), swaps(8, false)};
  static constexpr std::array<uint32_t, 16> with[] = {swaps(1, true), swaps(2, true), swaps(4, true), swaps(8, true)};
#pragma GCC unroll 4
  for (int step = 0; step < 4; step++) {
    const int d = 1 << step;
    const __m512i low = _mm512_loadu_si512(without[step].data()), high = _mm512_loadu_si512(with[step].data());
#pragma GCC unroll 16
    for (int i = 0; i < 16; i++) {
      if ((i & d) != 0) continue;
      const __m512i a = rows[i], b = rows[i + d];
      rows[i] = _mm512_permutex2var_epi32(a, low, b);
      rows[i + d] = _mm512_permutex2var_epi32(a, high, b);
    }
  }
}

// gather makes a block of `inputs` weights a row, which w points to. The next ones are fetched into the second level: in the
// first, rows that lie a power of two apart share too few places.
void gather(const bfloat* w, int64_t in, int64_t inputs, Block& block) {
  for (int64_t c = 0; c < inputs; c += 32) {
    for (int64_t n = 0; n < Block::channels; n += 16) {
      __m512i rows[16];
#pragma GCC unroll 16
      for (int i = 0; i < 16; i++) {
        const bfloat* from = w + (n + i) * in + c;
        rows[i] = load(from);
        _mm_prefetch(from + Block::inputs, _MM_HINT_T1);  // the next block's
      }
      transpose(rows);
#pragma GCC unroll 16
      for (int i = 0; i < 16; i++) _mm512_store_si512(&block.pairs[c / 2 + i][n], rows[i]);
    }
  }
}

// tile adds a block's products with T rows of x to y, or puts them there when they are the first; y has `step` numbers a row.
template <int T>
void tile(const Block& w, const bfloat* x, int64_t in, int64_t inputs, bool first, int64_t step, float* y) {
  __m512 sums[T][2];
  for (int t = 0; t < T; t++) {
    for (int k = 0; k < 2; k++) sums[t][k] = first ? _mm512_setzero_ps() : _mm512_loadu_ps(y + t * step + 16 * k);
  }
  for (int64_t p = 0; p < inputs / 2; p++) {
    const __m512i w0 = _mm512_load_si512(w.pairs[p]), w1 = _mm512_load_si512(w.pairs[p] + 16);
#pragma GCC unroll 12
    for (int t = 0; t < T; t++) {
      int pair;
      __builtin_memcpy(&pair, x + t * in + 2 * p, sizeof pair);
      const __m512i both = _mm512_set1_epi32(pair);
      sums[t][0] = dot(sums[t][0], both, w0);
      sums[t][1] = dot(sums[t][1], both, w1);
    }
  }
  for (int t = 0; t < T; t++) {
    for (int k = 0; k < 2; k++) _mm512_storeu_ps(y + t * step + 16 * k, sums[t][k]);
  }
}

// many_rows computes the sums of any number of rows of x: a block of weights at a time serves all of them.
void many_rows(const Weights& m, const Inputs& x, int64_t n0, int64_t n1, float* y) {
  const bfloat* w = static_cast<const bfloat*>(m.data);
  const int64_t step = n1 - n0;
  Block block;
  int64_t n = n0;
  for (; n + Block::channels <= n1; n += Block::channels) {
    for (int64_t c = 0; c < m.in; c += Block::inputs) {
      const int64_t inputs = c + Block::inputs < m.in ? Block::inputs : m.in - c;
      gather(w + n * m.in + c, m.in, inputs, block);
      by_rows(0, x.rows, [&](auto count, int64_t t) {
        tile<count.value>(block, x.halves + t * m.in + c, m.in, inputs, c == 0, step, y + t * step + n - n0);
      });
    }
  }
  for (int64_t t = 0; n < n1 && t < x.rows; t++) few_rows<1>(m, x.halves + t * m.in, n, n1, y + t * step + n - n0);
}

// Unpacker makes bfloats of packed integers, which hold them exactly, by looking them up: a permutation is a table of 64
// entries whose index is a word's lower six bits, whatever the others are.
template <int Bits>
class Unpacker {
 public:
  static constexpr int parts = Bits == 8 ? 4 : 2;  // vectors that 64 elements become, to be multiplied by …

  Unpacker() {
    alignas(64) uint16_t low[64], high[64];
    for (int i = 0; i < 64; i++) {
      bfloat b;
      from_float(static_cast<float>(i & (Bits == 8 ? 15 : (1 << Bits) - 1)), &b);
      low[i] = b.bits;
      from_float(static_cast<float>((i & 15) * 16), &b);
      high[i] = b.bits;
    }
    for (int i = 0; i < 2; i++) {
      low_[i] = _mm512_load_si512(low + 32 * i);
      high_[i] = _mm512_load_si512(high + 32 * i);
    }
    alignas(64) uint8_t spread[64], shift[64];
    for (int i = 0; i < 64; i++) {
      spread[i] = static_cast<uint8_t>(i / 8 * Bits + (i % 8 < Bits ? i % 8 : 0));
      shift[i] = static_cast<uint8_t>(i % 8 * Bits);
    }
    spread_ = _mm512_load_si512(spread);
    shift_ = _mm512_load_si512(shift);
  }

  // … the inputs of the first ones, and then of the second ones.
  inline __attribute__((always_inline)) void unpack(const uint8_t* p, __m512i* out) const {
    if constexpr (Bits == 8) {
      __m512i v = _mm512_loadu_si512(p);
      out[0] = find(low_, v);
      out[1] = find(high_, _mm512_srli_epi16(v, 4));
      out[2] = find(low_, _mm512_srli_epi16(v, 8));
      out[3] = find(high_, _mm512_srli_epi16(v, 12));
    } else {
      __m512i v = _mm512_maskz_loadu_epi8((uint64_t{1} << 8 * Bits) - 1, p);
      v = _mm512_multishift_epi64_epi8(shift_, _mm512_permutexvar_epi8(spread_, v));
      out[0] = find(low_, v);
      out[1] = find(low_, _mm512_srli_epi16(v, 8));
    }
  }

 private:
  static inline __attribute__((always_inline)) __m512i find(const __m512i* table, __m512i v) {
    if constexpr (Bits == 6) return _mm512_permutex2var_epi16(table[0], v, table[1]);
    return _mm512_permutexvar_epi16(v, table[0]);  // the lower five bits are enough
  }

  __m512i low_[2], high_[2], spread_, shift_;
};

inline __m512 floats(const void* list, bool half, int64_t at, __mmask16 which) {
  if (!half) return _mm512_maskz_loadu_ps(which, static_cast<const float*>(list) + at);
  __m256i h = _mm256_maskz_loadu_epi16(which, static_cast<const bfloat*>(list) + at);
  return _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_cvtepu16_epi32(h), 16));
}

inline __mmask16 up_to(int64_t n) { return static_cast<__mmask16>(n >= 16 ? 0xffff : (1 << n) - 1); }

// Factors gives the scales of a row's sums, sixteen of four elements each, for elements 64·b and following.
class Factors {
 public:
  explicit Factors(int64_t group)
      : wide_(group >= 64), shift_(group == 128 ? 1 : 0), few_(group == 16 ? 4 : 2), some_(up_to(few_)) {
    const __m512i lane = _mm512_set_epi32(15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0);
    lanes_ = _mm512_srlv_epi32(lane, _mm512_set1_epi32(group == 16 ? 2 : 3));
  }

  inline __attribute__((always_inline)) __m512 at(const float* scales, int64_t b) const {
    if (wide_) return _mm512_set1_ps(scales[b >> shift_]);
    return _mm512_permutexvar_ps(lanes_, _mm512_maskz_loadu_ps(some_, scales + b * few_));
  }

 private:
  bool wide_;
  int shift_, few_;
  __mmask16 some_;
  __m512i lanes_;
};

template <int Bits, int T>
void packed_rows(const Weights& m, const Inputs& x, int64_t n0, int64_t n1, int64_t step, float* y) {
  const Unpacker<Bits> unpacker;
  const int64_t groups = m.in / m.group, blocks = m.in / 64;
  const Factors factors(m.group);
  alignas(64) float scales[most_groups + 16];
  for (int64_t n = n0; n < n1; n++) {
    const uint8_t* row = static_cast<const uint8_t*>(m.data) + n * m.in * Bits / 8;
    __m512 sums[T] = {};
    for (int64_t g = 0; g < groups; g += 16) {
      __mmask16 which = up_to(groups - g);
      _mm512_store_ps(scales + g, floats(m.scales, m.type == Type::bfloat16, n * groups + g, which));
      __m512 offsets = floats(m.offsets, m.type == Type::bfloat16, n * groups + g, which);
      for (int t = 0; t < T; t++) sums[t] = _mm512_fmadd_ps(offsets, _mm512_maskz_loadu_ps(which, x.sums + t * groups + g), sums[t]);
    }
#pragma GCC unroll 2
    for (int64_t b = 0; b < blocks; b++) {
      __m512i w[Unpacker<Bits>::parts];
      unpacker.unpack(row + b * 8 * Bits, w);
      _mm_prefetch(row + b * 8 * Bits + ahead, _MM_HINT_T0);
      const __m512 factor = factors.at(scales, b);
#pragma GCC unroll 8
      for (int t = 0; t < T; t++) {
        const bfloat* xs = x.halves + t * m.in + 64 * b;
        __m512i first = load(xs), second = load(xs + 32);
        __m512 part = dot(_mm512_setzero_ps(), w[0], first);
        if constexpr (Bits == 8) {
          part = dot(part, w[1], first);
          part = dot(part, w[2], second);
          part = dot(part, w[3], second);
        } else {
          part = dot(part, w[1], second);
        }
        sums[t] = _mm512_fmadd_ps(part, factor, sums[t]);
      }
    }
    for (int t = 0; t < T; t++) y[t * step + n - n0] = _mm512_reduce_add_ps(sums[t]);
  }
}

template <int Bits>
void packed(const Weights& m, const Inputs& x, int64_t n0, int64_t n1, float* y) {
  constexpr int64_t piece = 16;  // channels whose weights stay in the first-level cache while the rows pass by
  const int64_t step = n1 - n0, groups = m.in / m.group;
  auto few = [&](int64_t t, int64_t count, int64_t n, int64_t end) {
    Inputs part{nullptr, x.halves + t * m.in, x.sums + t * groups, count};
    float* to = y + t * step + n - n0;
    switch (count) {
      case 1: return packed_rows<Bits, 1>(m, part, n, end, step, to);
      case 2: return packed_rows<Bits, 2>(m, part, n, end, step, to);
      case 3: return packed_rows<Bits, 3>(m, part, n, end, step, to);
      case 4: return packed_rows<Bits, 4>(m, part, n, end, step, to);
      case 5: return packed_rows<Bits, 5>(m, part, n, end, step, to);
      case 6: return packed_rows<Bits, 6>(m, part, n, end, step, to);
      case 7: return packed_rows<Bits, 7>(m, part, n, end, step, to);
      case 8: return packed_rows<Bits, 8>(m, part, n, end, step, to);
    }
  };
  if (x.rows <= most_few) return few(0, x.rows, n0, n1);
  for (int64_t n = n0; n < n1; n += piece) {
    int64_t end = n + piece < n1 ? n + piece : n1;
    for (int64_t t = 0; t < x.rows; t += most_few) few(t, x.rows - t < most_few ? x.rows - t : most_few, n, end);
  }
}

void dots_of_halves(const Weights& m, const Inputs& x, int64_t n0, int64_t n1, float* y) {
  if (m.packed) {
    switch (m.bits) {
      case 2: return packed<2>(m, x, n0, n1, y);
      case 3: return packed<3>(m, x, n0, n1, y);
      case 4: return packed<4>(m, x, n0, n1, y);
      case 5: return packed<5>(m, x, n0, n1, y);
      case 6: return packed<6>(m, x, n0, n1, y);
      case 8: return packed<8>(m, x, n0, n1, y);
    }
  }
  switch (x.rows) {
    case 1: return few_rows<1>(m, x.halves, n0, n1, y);
    case 2: return few_rows<2>(m, x.halves, n0, n1, y);
    case 3: return few_rows<3>(m, x.halves, n0, n1, y);
    case 4: return few_rows<4>(m, x.halves, n0, n1, y);
    case 5: return few_rows<5>(m, x.halves, n0, n1, y);
    case 6: return few_rows<6>(m, x.halves, n0, n1, y);
    case 7: return few_rows<7>(m, x.halves, n0, n1, y);
    case 8: return few_rows<8>(m, x.halves, n0, n1, y);
  }
  many_rows(m, x, n0, n1, y);
}

// panel_tile adds the products of tap j and the channels from c0 to c1, two at a time, to T output rows, from row t on, of
// one panel's channels, which begin at y. w is the panel's weights from there on.
template <int T>
inline void panel_tile(const Rows& r, const bfloat* x, const bfloat* w, const float* bias, int64_t t, int64_t j, int64_t c0, int64_t c1, float* y) {
  static constexpr std::array<uint16_t, 32> low = pairs(0), high = pairs(16);
  const __m512i lows = _mm512_loadu_si512(low.data()), highs = _mm512_loadu_si512(high.data());
  const bool first = j == 0 && c0 == 0;
  const bfloat* xs[T];
  for (int i = 0; i < T; i++) xs[i] = x + ((t + i) * r.stride + j * r.dilation) * r.channels;
  __m512 sums[T][2];
  for (int i = 0; i < T; i++) {
    for (int k = 0; k < 2; k++) {
      sums[i][k] = !first ? _mm512_loadu_ps(y + (t + i) * r.out + 16 * k) : bias != nullptr ? _mm512_loadu_ps(bias + 16 * k) : _mm512_setzero_ps();
    }
  }
  for (int64_t c = c0; c < c1; c += 2, w += 2 * panel_width) {
    const __m512i one = load(w), two = load(w + panel_width);
    const __m512i w0 = _mm512_permutex2var_epi16(one, lows, two), w1 = _mm512_permutex2var_epi16(one, highs, two);
#pragma GCC unroll 12
    for (int i = 0; i < T; i++) {
      int pair;
      __builtin_memcpy(&pair, xs[i] + c, sizeof pair);
      const __m512i both = _mm512_set1_epi32(pair);
      sums[i][0] = dot(sums[i][0], both, w0);
      sums[i][1] = dot(sums[i][1], both, w1);
    }
  }
  for (int i = 0; i < T; i++) {
    for (int k = 0; k < 2; k++) _mm512_storeu_ps(y + (t + i) * r.out + 16 * k, sums[i][k]);
  }
}

void convolve_halves(const Rows& r, const bfloat* x, const bfloat* w, float* y, int64_t t0, int64_t t1, int64_t n0, int64_t n1) {
  static_assert(panel_width == 32);
  constexpr int64_t piece = 256;  // input channels: half a first-level cache of weights, which serve all rows
  for (int64_t n = n0; n < n1; n += panel_width) {
    const float* bias = r.bias != nullptr ? r.bias + n : nullptr;
    for (int64_t j = 0; j < r.taps; j++) {
      for (int64_t c = 0; c < r.channels; c += piece) {
        const bfloat* part = w + (n * r.taps + j * panel_width) * r.channels + c * panel_width;
        const int64_t end = c + piece < r.channels ? c + piece : r.channels;
        by_rows(t0, t1, [&](auto count, int64_t t) { panel_tile<count.value>(r, x, part, bias, t, j, c, end, y + n); });
      }
    }
  }
}

decltype(Kernels::dots) dots_of_floats;

void dots(const Weights& w, const Inputs& x, int64_t n0, int64_t n1, float* scratch, float* y) {
  if (x.halves != nullptr) return dots_of_halves(w, x, n0, n1, y);
  dots_of_floats(w, x, n0, n1, scratch, y);
}

}  // namespace
}  // namespace bridge

#pragma GCC pop_options

namespace bridge {

bool has_bfloat_dots() { return __builtin_cpu_supports("avx512bf16") && __builtin_cpu_supports("avx512vbmi"); }

Kernels with_bfloat_dots(const Kernels& base) {
  Kernels k = base;
  dots_of_floats = base.dots;
  k.takes_halves = takes_halves;
  k.prepare_halves = prepare_halves;
  k.dots = dots;
  k.convolve_halves = convolve_halves;
  return k;
}

}  // namespace bridge

#else

namespace bridge {

bool has_bfloat_dots() { return false; }
Kernels with_bfloat_dots(const Kernels& base) { return base; }

}  // namespace bridge

#endif
