// guard.hpp: what every function of the ABI is made of: the handle table, the exception fence, the checks that MLX
// leaves out.
#pragma once

#include <atomic>
#include <chrono>
#include <stdexcept>
#include <string>

#if !__has_include("mlx/mlx.h")
#error "MLX is missing: run `make mlx`"
#endif
#include "mlx/mlx.h"
#include "mlxbridge.h"

#if MLX_VERSION_MAJOR != 0 || MLX_VERSION_MINOR != 32
#error "this bridge was written for MLX 0.32: lift mlx.lock and this line together, and run the whole test suite"
#endif

namespace bridge {

namespace mx = mlx::core;

// The handle table. A handle is a slot's number and its generation, so a freed handle is known as such.
mx::array get(mlxb_array handle);       // throws for nil, freed and unknown handles
mx::array filled(mlxb_array handle);    // get for an array with elements: over an empty one, MLX's reductions run wild
// The transpose of a matrix. That of numbers which are there is made once, for as long as the handle lives: a view costs
// nothing, but each graph would have a node for it.
mx::array transposed(mlxb_array handle);
mlxb_array put(mx::array a);            // throws for an array that can't exist
void put_all(mlxb_array* out, const std::vector<mx::array>& arrays);  // all or, when it throws, none
void release(mlxb_array handle);

// Fails unless the caller is on the MLX thread; only compiled in with -tags mlxcheck.
void check_thread();

char* error_text(const char* function, const char* what) noexcept;

// Timed adds its life, in nanoseconds, to a sum.
struct Timed {
  explicit Timed(std::atomic<int64_t>& sum) : sum_(sum) {}
  ~Timed() { sum_ += std::chrono::nanoseconds(std::chrono::steady_clock::now() - since_).count(); }

 private:
  std::atomic<int64_t>& sum_;
  std::chrono::steady_clock::time_point since_ = std::chrono::steady_clock::now();
};

extern std::atomic<int64_t> inside;  // what all functions took

// guard runs body and turns whatever it throws into the error text of function.
template <class Body>
char* guard(const char* function, Body&& body) noexcept {
  Timed here(inside);
  try {
    check_thread();
    body();
    return nullptr;
  } catch (const std::exception& e) {
    return error_text(function, e.what());
  } catch (...) {
    return error_text(function, "unknown C++ exception");
  }
}

// op is guard for the functions that make one array.
template <class Body>
char* op(const char* function, mlxb_array* out, Body&& body) noexcept {
  return guard(function, [&] {
    if (out == nullptr) throw std::invalid_argument("no place for the result");
    *out = 0;
    *out = put(body());
  });
}

void require(bool ok, const char* sentence);

// Fails when an array of so many bytes, as a double since it can't overflow, is larger than this machine's memory. MLX's
// CPU allocator crashes when the system refuses memory, so what would be too large may never reach it: results, which
// put looks at, and what an operation makes on its way, which it has to look at itself.
void require_memory(double bytes);
mx::Shape shape_of(const int* dims, int rank);  // checks rank, signs and total size
mx::Dtype dtype_of(mlxb_dtype dtype);
std::optional<mx::array> maybe(mlxb_array handle);  // nil is no array
std::vector<mx::array> get_all(const mlxb_array* arrays, int n);

}  // namespace bridge
