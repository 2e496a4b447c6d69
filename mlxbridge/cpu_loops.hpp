// cpu_loops.hpp: the inner loops of cpu_kernels.hpp, included once for each instruction set with
//   LANES   floats in a vector register
//   TILE_T, TILE_N   output rows and channels whose sums are kept in registers at once
//   PANEL_T          output rows, of a panel's channels
//   WIDEN, NARROW    from a register of float16 numbers to one of floats and back, where there are instructions for it
// in a namespace of its own. Plain vector extensions, so that one text serves AVX-512, AVX2, NEON and what has none.

typedef float vec __attribute__((vector_size(LANES * 4)));
typedef int32_t int_vec __attribute__((vector_size(LANES * 4)));
typedef uint32_t word_vec __attribute__((vector_size(LANES * 4)));
typedef uint16_t half_vec __attribute__((vector_size(LANES * 2)));
typedef uint8_t byte_vec __attribute__((vector_size(LANES)));

static inline vec load(const float* p) {
  vec v;
  __builtin_memcpy(&v, p, sizeof v);
  return v;
}

static inline vec load(const bfloat* p) {
  half_vec h;
  __builtin_memcpy(&h, p, sizeof h);
  return (vec)(__builtin_convertvector(h, word_vec) << 16);
}

static inline vec load(const float16* p) {
  half_vec h;
  __builtin_memcpy(&h, p, sizeof h);
#ifdef WIDEN
  return (vec)WIDEN(h);
#else  // as to_float does it
  word_vec word = __builtin_convertvector(h, word_vec), rest = word & 0x7fff;
  word_vec special = (word_vec)(rest >= 0x7c00) & 0x7f800000;
  return (vec)((word_vec)((vec)(rest << 13) * 0x1p112f) | special | (word & 0x8000) << 16);
#endif
}

static inline void store(vec v, float* p) { __builtin_memcpy(p, &v, sizeof v); }

static inline void store(vec v, bfloat* p) {
  word_vec word = (word_vec)v, nan = (word_vec)(v != v);
  word_vec rounded = (word + 0x7fff + (word >> 16 & 1)) >> 16;
  half_vec h = __builtin_convertvector((nan & 0x7fc0) | (~nan & rounded), half_vec);
  __builtin_memcpy(p, &h, sizeof h);
}

static inline void store(vec v, float16* p) {
#ifdef NARROW
  half_vec h = (half_vec)NARROW(v);
  __builtin_memcpy(p, &h, sizeof h);
#else
  for (int i = 0; i < LANES; i++) from_float(v[i], p + i);
#endif
}

static inline float sum(vec v) {
  float s[LANES];
  __builtin_memcpy(s, &v, sizeof v);
  for (int half = LANES / 2; half > 0; half /= 2) {
    for (int i = 0; i < half; i++) s[i] += s[i + half];
  }
  return s[0];
}

static inline vec choose(int_vec which, vec yes, vec no) { return (vec)((which & (int_vec)yes) | (~which & (int_vec)no)); }

// growth gives m and scale with eˣ = (1 + m)·scale, from 1e-38 up; what is smaller is nearly zero, what is larger than a
// float is large.
static inline vec growth(vec x, vec& scale) {
  const float ln2_high = 0.693359375f, ln2_low = -2.12194440e-4f;  // whole multiples of the first are exact
  x = choose(x < -87.0f, vec{} - 87.0f, x);
  x = choose(x > 88.0f, vec{} + 88.0f, x);
  vec half = choose(x < 0.0f, vec{} - 0.5f, vec{} + 0.5f);
  int_vec n = __builtin_convertvector(x * 1.44269504f + half, int_vec);
  vec turns = __builtin_convertvector(n, vec);
  vec r = (x - turns * ln2_high) - turns * ln2_low;
  vec p = r * 1.3888889e-3f + 8.3333333e-3f;
  p = p * r + 4.1666667e-2f;
  p = p * r + 1.6666667e-1f;
  p = p * r + 0.5f;
  p = p * r + 1.0f;
  scale = (vec)((n + 127) << 23);
  return p * r;
}

// exp within 2e-7 of its value.
static inline vec exp(vec x) {
  vec scale, m = growth(x, scale);
  return (m + 1.0f) * scale;
}

// with calls body with a pointer to numbers of a type, as constant as the one to bytes is.
template <class Bytes, class Body>
static inline auto with(Type type, Bytes* numbers, Body&& body) {
  auto as = [&](auto number) { return static_cast<std::conditional_t<std::is_const_v<Bytes>, const decltype(number), decltype(number)>*>(numbers); };
  switch (type) {
    case Type::bfloat16: return body(as(bfloat{}));
    case Type::float16: return body(as(float16{}));
    default: return body(as(float{}));
  }
}

template <class From, class To>
static void copy(const From* from, To* to, int64_t n) {
  int64_t i = 0;
  for (; i + LANES <= n; i += LANES) store(load(from + i), to + i);
  for (; i < n; i++) from_float(to_float(from[i]), to + i);
}

static void widen(Type type, const void* from, float* to, int64_t n) {
  with(type, from, [&](auto* numbers) { copy(numbers, to, n); });
}

static void narrow(Type type, const float* from, void* to, int64_t n) {
  with(type, to, [&](auto* numbers) { copy(from, numbers, n); });
}

// tile computes T output rows from row t on, N channels from channel n on.
template <int T, int N, class Weight>
static inline __attribute__((always_inline)) void tile(const Rows& r, const Weight* w, float* y, int64_t t, int64_t n) {
  vec acc[T][N] = {};
  float rest[T][N] = {};
  const int64_t whole = r.channels / LANES * LANES;
  for (int64_t j = 0; j < r.taps; j++) {
    const float* xs[T];
    const Weight* ws[N];
    for (int i = 0; i < T; i++) xs[i] = r.x + ((t + i) * r.stride + j * r.dilation) * r.channels;
    for (int k = 0; k < N; k++) ws[k] = w + ((n + k) * r.taps + j) * r.channels;
    for (int64_t c = 0; c < whole; c += LANES) {
      vec xv[T];
#pragma GCC unroll 8
      for (int i = 0; i < T; i++) xv[i] = load(xs[i] + c);
#pragma GCC unroll 8
      for (int k = 0; k < N; k++) {
        vec wv = load(ws[k] + c);
#pragma GCC unroll 8
        for (int i = 0; i < T; i++) acc[i][k] += xv[i] * wv;
      }
    }
    for (int64_t c = whole; c < r.channels; c++) {
      for (int i = 0; i < T; i++) {
        for (int k = 0; k < N; k++) rest[i][k] += xs[i][c] * to_float(ws[k][c]);
      }
    }
  }
  for (int i = 0; i < T; i++) {
    for (int k = 0; k < N; k++) y[(t + i) * r.out + n + k] = sum(acc[i][k]) + rest[i][k] + (r.bias != nullptr ? r.bias[n + k] : 0.0f);
  }
}

template <int T, class Weight>
static inline void channels(const Rows& r, const Weight* w, float* y, int64_t t, int64_t n0, int64_t n1) {
  constexpr int N = T == 1 ? 2 * TILE_N : TILE_N;
  int64_t n = n0;
  for (; n + N <= n1; n += N) tile<T, N>(r, w, y, t, n);
  for (; n < n1; n++) tile<T, 1>(r, w, y, t, n);
}

template <class Weight>
static void convolve(const Rows& r, const Weight* w, float* y, int64_t t0, int64_t t1, int64_t n0, int64_t n1) {
  // A few channels' weights stay in the first-level cache while all rows of the block pass by.
  for (int64_t n = n0; n < n1; n += 2 * TILE_N) {
    int64_t end = n + 2 * TILE_N < n1 ? n + 2 * TILE_N : n1;
    int64_t t = t0;
    for (; t + TILE_T <= t1; t += TILE_T) channels<TILE_T>(r, w, y, t, n, end);
    for (; t < t1; t++) channels<1>(r, w, y, t, n, end);
  }
}

// panel_tile adds the products of tap j and the channels from c0 to c1 to T output rows, from row t on, of one panel's
// channels, which begin at y. w is the panel's weights from there on.
template <int T, class Weight>
static inline void panel_tile(const Rows& r, const Weight* w, const float* bias, int64_t t, int64_t j, int64_t c0, int64_t c1, float* y) {
  constexpr int N = panel_width / LANES;
  const bool first = j == 0 && c0 == 0;
  const float* xs[T];
  for (int i = 0; i < T; i++) xs[i] = r.x + ((t + i) * r.stride + j * r.dilation) * r.channels;
  vec acc[T][N];
  for (int i = 0; i < T; i++) {
    for (int k = 0; k < N; k++) {
      acc[i][k] = !first ? load(y + (t + i) * r.out + k * LANES) : bias != nullptr ? load(bias + k * LANES) : vec{};
    }
  }
  for (int64_t c = c0; c < c1; c++, w += panel_width) {
    vec wv[N];
#pragma GCC unroll 8
    for (int k = 0; k < N; k++) wv[k] = load(w + k * LANES);
#pragma GCC unroll 12
    for (int i = 0; i < T; i++) {
#pragma GCC unroll 8
      for (int k = 0; k < N; k++) acc[i][k] += xs[i][c] * wv[k];
    }
  }
  for (int i = 0; i < T; i++) {
    for (int k = 0; k < N; k++) store(acc[i][k], y + (t + i) * r.out + k * LANES);
  }
}

// The sums wait in y while the next products' weights, a first-level cache's half, serve all rows.
template <class Weight>
static void convolve_panels(const Rows& r, const Weight* w, float* y, int64_t t0, int64_t t1, int64_t n0, int64_t n1) {
  constexpr int64_t piece = 128;  // input channels
  for (int64_t n = n0; n < n1; n += panel_width) {
    const float* bias = r.bias != nullptr ? r.bias + n : nullptr;
    for (int64_t j = 0; j < r.taps; j++) {
      for (int64_t c = 0; c < r.channels; c += piece) {
        const Weight* part = w + (n * r.taps + j * panel_width) * r.channels + c * panel_width;
        const int64_t end = c + piece < r.channels ? c + piece : r.channels;
        int64_t t = t0;
        for (; t + PANEL_T <= t1; t += PANEL_T) panel_tile<PANEL_T>(r, part, bias, t, j, c, end, y + n);
        if constexpr (PANEL_T > 4) {
          for (; t + 4 <= t1; t += 4) panel_tile<4>(r, part, bias, t, j, c, end, y + n);
        }
        for (; t < t1; t++) panel_tile<1>(r, part, bias, t, j, c, end, y + n);
      }
    }
  }
}

// few_rows computes the sums of T rows of x. It reads the weights from the first to the last, as memory likes it best:
// several channels at a time are read at half the speed.
template <int T, class Weight>
static void few_rows(const Weight* w, const float* x, int64_t in, int64_t n0, int64_t n1, float* y) {
  constexpr int U = T == 1 ? 4 : T == 2 ? 2 : 1;  // sums a row, so that they needn't wait for each other
  for (int64_t n = n0; n < n1; n++) {
    const Weight* row = w + n * in;
    vec acc[T][U] = {};
    int64_t c = 0;
    for (; c + U * LANES <= in; c += U * LANES) {
#pragma GCC unroll 4
      for (int u = 0; u < U; u++) {
        vec v = load(row + c + u * LANES);
#pragma GCC unroll 8
        for (int t = 0; t < T; t++) acc[t][u] += v * load(x + t * in + c + u * LANES);
      }
    }
    for (int t = 0; t < T; t++) {
      for (int u = 1; u < U; u++) acc[t][0] += acc[t][u];
      float s = sum(acc[t][0]);
      for (int64_t i = c; i < in; i++) s += to_float(row[i]) * x[t * in + i];
      y[t * (n1 - n0) + n - n0] = s;
    }
  }
}

template <class Weight>
static void dense(const Weight* w, int64_t in, const Inputs& x, int64_t n0, int64_t n1, float* y) {
  switch (x.rows) {
    case 1: return few_rows<1>(w, x.floats, in, n0, n1, y);
    case 2: return few_rows<2>(w, x.floats, in, n0, n1, y);
    case 3: return few_rows<3>(w, x.floats, in, n0, n1, y);
    case 4: return few_rows<4>(w, x.floats, in, n0, n1, y);
    case 5: return few_rows<5>(w, x.floats, in, n0, n1, y);
    case 6: return few_rows<6>(w, x.floats, in, n0, n1, y);
  }
  Rows r{x.floats, nullptr, x.rows, n1 - n0, 1, in, 1, 1};
  convolve(r, w + n0 * in, y, 0, x.rows, 0, n1 - n0);
}

// unpack gives LANES elements from element c on, a multiple of LANES, of a row of packed elements.
template <int Bits>
static inline vec unpack(const uint8_t* row, int64_t c) {
  if constexpr (Bits == 8) {
    byte_vec b;
    __builtin_memcpy(&b, row + c, sizeof b);
    return __builtin_convertvector(__builtin_convertvector(b, int_vec), vec);
  } else {
    // Eight elements take Bits bytes; the first four and the other four fit into a word each.
    word_vec v, shift;
#pragma GCC unroll 16
    for (int i = 0; i < LANES; i += 4) {
      uint64_t eight = 0;
      int64_t at = c + i;
      __builtin_memcpy(&eight, row + at / 8 * Bits, Bits);
      uint32_t four = static_cast<uint32_t>(at % 8 == 0 ? eight : eight >> 4 * Bits);
      for (int k = 0; k < 4; k++) {
        v[i + k] = four;
        shift[i + k] = k * Bits;
      }
    }
    return __builtin_convertvector((int_vec)((v >> shift) & ((1u << Bits) - 1)), vec);
  }
}

static inline float number(const void* list, Type type, int64_t i) {
  return with(type, list, [&](auto* numbers) { return to_float(numbers[i]); });
}

// one row of x: the weights are unpacked in registers.
template <int Bits>
static void packed_row(const Weights& w, const Inputs& x, int64_t n0, int64_t n1, float* y) {
  const int64_t groups = w.in / w.group;
  for (int64_t n = n0; n < n1; n++) {
    const uint8_t* row = static_cast<const uint8_t*>(w.data) + n * w.in * Bits / 8;
    vec acc = {};
    float rest = 0;
    for (int64_t g = 0; g < groups; g++) {
      vec part = {};
      for (int64_t c = g * w.group; c < (g + 1) * w.group; c += LANES) part += unpack<Bits>(row, c) * load(x.floats + c);
      acc += part * number(w.scales, w.type, n * groups + g);
      rest += number(w.offsets, w.type, n * groups + g) * x.sums[g];
    }
    y[n - n0] = sum(acc) + rest;
  }
}

// many rows of x: a few channels' weights are unpacked into scratch and used for all rows.
template <int Bits>
static void packed_rows(const Weights& w, const Inputs& x, int64_t n0, int64_t n1, float* scratch, float* y) {
  const int64_t groups = w.in / w.group;
  for (int64_t n = n0; n < n1; n += TILE_N) {
    const int64_t count = n + TILE_N < n1 ? TILE_N : n1 - n;
    for (int64_t k = 0; k < count; k++) {
      const uint8_t* row = static_cast<const uint8_t*>(w.data) + (n + k) * w.in * Bits / 8;
      for (int64_t g = 0; g < groups; g++) {
        const float scale = number(w.scales, w.type, (n + k) * groups + g);
        const float offset = number(w.offsets, w.type, (n + k) * groups + g);
        for (int64_t c = g * w.group; c < (g + 1) * w.group; c += LANES) store(unpack<Bits>(row, c) * scale + offset, scratch + k * w.in + c);
      }
    }
    Rows r{x.floats, nullptr, x.rows, n1 - n0, 1, w.in, 1, 1};
    convolve(r, scratch, y + n - n0, 0, x.rows, 0, count);
  }
}

template <int Bits>
static void packed(const Weights& w, const Inputs& x, int64_t n0, int64_t n1, float* scratch, float* y) {
  if (x.rows == 1) {
    packed_row<Bits>(w, x, n0, n1, y);
  } else {
    packed_rows<Bits>(w, x, n0, n1, scratch, y);
  }
}

static void dots(const Weights& w, const Inputs& x, int64_t n0, int64_t n1, float* scratch, float* y) {
  static_assert(TILE_N <= scratch_rows);
  if (!w.packed) return with(w.type, w.data, [&](auto* elements) { dense(elements, w.in, x, n0, n1, y); });
  switch (w.bits) {
    case 2: return packed<2>(w, x, n0, n1, scratch, y);
    case 3: return packed<3>(w, x, n0, n1, scratch, y);
    case 4: return packed<4>(w, x, n0, n1, scratch, y);
    case 5: return packed<5>(w, x, n0, n1, scratch, y);
    case 6: return packed<6>(w, x, n0, n1, scratch, y);
    case 8: return packed<8>(w, x, n0, n1, scratch, y);
  }
}

template <class Out>
static void finish(const Finish& f, const float* sums, Out* y, int64_t n) {
  const Out* add = static_cast<const Out*>(f.add);
  int64_t i = 0;
  for (; i + LANES <= n; i += LANES) {
    vec s = load(sums + i);
    if (f.bias != nullptr) s += load(f.bias + i);
    if (f.up != nullptr) s = s / (1.0f + exp(-s)) * load(f.up + i);
    if (add != nullptr) s += load(add + i);
    store(s, y + i);
  }
  for (; i < n; i++) {
    float s = sums[i];
    if (f.bias != nullptr) s += f.bias[i];
    if (f.up != nullptr) s = s / (1 + std::exp(-s)) * f.up[i];
    if (add != nullptr) s += to_float(add[i]);
    from_float(s, y + i);
  }
}

static void finish(const Finish& f, const float* sums, void* y, int64_t n) {
  with(f.type, y, [&](auto* numbers) { finish(f, sums, numbers, n); });
}

static void norm(const float* x, const float* w, float eps, float* y, int64_t n) {
  vec acc[2] = {};
  int64_t i = 0;
  for (; i + 2 * LANES <= n; i += 2 * LANES) {
    acc[0] += load(x + i) * load(x + i);
    acc[1] += load(x + i + LANES) * load(x + i + LANES);
  }
  float squares = sum(acc[0] + acc[1]);
  for (; i < n; i++) squares += x[i] * x[i];
  const float factor = 1 / std::sqrt(squares / static_cast<float>(n) + eps);
  for (i = 0; i + LANES <= n; i += LANES) store(load(x + i) * factor * load(w + i), y + i);
  for (; i < n; i++) y[i] = x[i] * factor * w[i];
}

template <class KV>
static inline float dot(const float* a, const KV* b, int64_t n) {
  vec acc[4] = {};
  int64_t i = 0;
  for (; i + 4 * LANES <= n; i += 4 * LANES) {
#pragma GCC unroll 4
    for (int u = 0; u < 4; u++) acc[u] += load(a + i + u * LANES) * load(b + i + u * LANES);
  }
  for (; i + LANES <= n; i += LANES) acc[0] += load(a + i) * load(b + i);
  float s = sum((acc[0] + acc[1]) + (acc[2] + acc[3]));
  for (; i < n; i++) s += a[i] * to_float(b[i]);
  return s;
}

// weighted_rows adds up U vectors of each position's v, times p.
template <int U, class KV>
static inline void weighted_rows(const Query& q, const KV* v, const float* p, float scale, float* out) {
  vec acc[U] = {};
  for (int64_t j = 0; j < q.positions; j++) {
#pragma GCC unroll 4
    for (int u = 0; u < U; u++) acc[u] += p[j] * load(v + j * q.v_step + u * LANES);
  }
  for (int u = 0; u < U; u++) store(acc[u] * scale, out + u * LANES);
}

template <class KV>
static void attend(const Query& q, const KV* k, const KV* v, float* scores, float* out) {
  float largest = -INFINITY;
  for (int64_t j = 0; j < q.positions; j++) {
    scores[j] = q.scale * dot(q.q, k + j * q.k_step, q.dim) + (q.mask != nullptr ? q.mask[j] : 0.0f);
    largest = scores[j] > largest ? scores[j] : largest;
  }
  vec totals = {};
  int64_t j = 0;
  for (; j + LANES <= q.positions; j += LANES) {
    vec s = load(scores + j) - largest, p = exp(s);
    p = choose(s < -87.0f, vec{}, p);
    totals += p;
    store(p, scores + j);
  }
  float total = sum(totals);
  for (; j < q.positions; j++) total += scores[j] = std::exp(scores[j] - largest);
  int64_t d = 0;
  for (; d + 4 * LANES <= q.dim; d += 4 * LANES) weighted_rows<4>(q, v + d, scores, 1 / total, out + d);
  for (; d + LANES <= q.dim; d += LANES) weighted_rows<1>(q, v + d, scores, 1 / total, out + d);
  for (; d < q.dim; d++) {
    float s = 0;
    for (int64_t i = 0; i < q.positions; i++) s += scores[i] * to_float(v[i * q.v_step + d]);
    out[d] = s / total;
  }
}

static void attend(const Query& q, const void* k, const void* v, float* scores, float* out) {
  with(q.type, k, [&](auto* keys) { attend(q, keys, static_cast<decltype(keys)>(v), scores, out); });
}

// sin² has the period π, within which the sine's series to the eleventh power is exact to 6e-8.
static inline vec sine_squared(vec y) {
  const float pi_high = 3.140625f, pi_low = 9.67653589793e-4f;  // π in two parts: whole multiples of the first are exact
  vec half = choose(y >= 0.0f, vec{} + 0.5f, vec{} - 0.5f);
  vec turns = __builtin_convertvector(__builtin_convertvector(y * 0.318309886f + half, int_vec), vec);
  vec r = (y - turns * pi_high) - turns * pi_low;
  vec q = r * r;
  vec s = q * -2.50521084e-8f + 2.75573192e-6f;
  s = s * q - 1.98412698e-4f;
  s = s * q + 8.33333333e-3f;
  s = s * q - 1.66666667e-1f;
  s = s * q * r + r;
  return s * s;
}

static void snake(const float* x, const float* rate, const float* gain, float* y, int64_t rows, int64_t channels) {
  for (int64_t t = 0; t < rows; t++, x += channels, y += channels) {
    int64_t c = 0;
    for (; c + LANES <= channels; c += LANES) {
      vec v = load(x + c);
      store(v + sine_squared(v * load(rate + c)) * load(gain + c), y + c);
    }
    for (; c < channels; c++) {
      float s = std::sin(x[c] * rate[c]);
      y[c] = x[c] + s * s * gain[c];
    }
  }
}

// Where x is small, 1 is never added: its digits stay.
static void elu(const float* x, float* y, int64_t n) {
  int64_t i = 0;
  for (; i + LANES <= n; i += LANES) {
    vec v = load(x + i), scale, m = growth(v, scale);
    store(choose(v > 0.0f, v, m * scale + (scale - 1.0f)), y + i);
  }
  for (; i < n; i++) y[i] = x[i] > 0 ? x[i] : std::expm1(x[i]);
}

// Φ is half the complementary error function, by formula 7.1.26 of Abramowitz and Stegun, within 1e-7.
static void gelu(const float* x, float* y, int64_t n) {
  int64_t i = 0;
  for (; i + LANES <= n; i += LANES) {
    vec v = load(x + i), z = choose(v > 0.0f, v, -v) * 0.707106781f;
    vec t = 1.0f / (1.0f + 0.3275911f * z);
    vec p = t * 1.061405429f - 1.453152027f;
    p = p * t + 1.421413741f;
    p = p * t - 0.284496736f;
    p = p * t + 0.254829592f;
    vec tail = 0.5f * t * p * exp(-z * z);
    store(v * choose(v > 0.0f, 1.0f - tail, tail), y + i);
  }
  for (; i < n; i++) y[i] = x[i] * 0.5f * std::erfc(-x[i] * 0.707106781f);
}

static bool takes_halves(const Weights&) { return false; }

static const Kernels table{takes_halves, nullptr, dots, finish, convolve<float>, convolve_panels<float>, convolve_panels<bfloat>, nullptr, norm,
                           attend,       snake,   elu,  gelu,   widen,           narrow};
