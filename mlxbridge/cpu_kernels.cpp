// cpu_kernels.cpp: see cpu_kernels.hpp.
#include "cpu_kernels.hpp"

#include <cmath>
#include <cstdlib>
#include <string>
#include <type_traits>

#include "cpu_bfloat.hpp"

namespace bridge {
namespace {

#define LANES 4
#define PANEL_T 2
#define TILE_T 2
#define TILE_N 4
namespace portable {
#include "cpu_loops.hpp"
}
#undef LANES
#undef PANEL_T
#undef TILE_T
#undef TILE_N

#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__)
#define HAVE_X86_VARIANTS 1
#include <immintrin.h>
#pragma GCC push_options
#pragma GCC target("avx2,fma,f16c")
#define LANES 8
#define WIDEN(h) _mm256_cvtph_ps((__m128i)(h))
#define NARROW(v) _mm256_cvtps_ph((__m256)(v), _MM_FROUND_TO_NEAREST_INT)
#define PANEL_T 2
#define TILE_T 3
#define TILE_N 4
namespace avx2 {
#include "cpu_loops.hpp"
}
#undef LANES
#undef PANEL_T
#undef TILE_T
#undef TILE_N
#undef WIDEN
#undef NARROW
#pragma GCC pop_options
#pragma GCC push_options
#pragma GCC target("avx512f,avx512bw,avx512vl,avx512dq,fma")
#define LANES 16
#define WIDEN(h) _mm512_cvtph_ps((__m256i)(h))
#define NARROW(v) _mm512_cvtps_ph((__m512)(v), _MM_FROUND_TO_NEAREST_INT)
#define PANEL_T 12
#define TILE_T 4
#define TILE_N 4
namespace avx512 {
#include "cpu_loops.hpp"
}
#undef LANES
#undef PANEL_T
#undef TILE_T
#undef TILE_N
#undef WIDEN
#undef NARROW
#pragma GCC pop_options
#endif

// TTSUI_SIMD=portable, avx2 or avx512 asks for less than this machine has, so that all can be tested on one.
const Kernels& best() {
#ifdef HAVE_X86_VARIANTS
  const char* value = std::getenv("TTSUI_SIMD");
  std::string most = value != nullptr ? value : "";
  if (most == "portable" || !__builtin_cpu_supports("avx2") || !__builtin_cpu_supports("fma") || !__builtin_cpu_supports("f16c")) return portable::table;
  if (most == "avx2" || !__builtin_cpu_supports("avx512f") || !__builtin_cpu_supports("avx512bw") || !__builtin_cpu_supports("avx512vl") ||
      !__builtin_cpu_supports("avx512dq")) {
    return avx2::table;
  }
  if (most == "avx512" || !has_bfloat_dots()) return avx512::table;
  static const Kernels with_bfloat = with_bfloat_dots(avx512::table);
  return with_bfloat;
#else
  return portable::table;
#endif
}

}  // namespace

const Kernels& kernels() {
  static const Kernels& chosen = best();
  return chosen;
}

}  // namespace bridge
