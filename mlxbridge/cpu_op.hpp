// cpu_op.hpp: what the CPU's bodies of operations are made of: MLX operations whose work is a function of ours.
#pragma once

#include <functional>
#include <vector>

#include "cpu_kernels.hpp"
#include "cpu_ops.hpp"

namespace bridge {

namespace mx = mlx::core;

// Source is an input while a computation runs on the stream's thread, where the array itself may not be held.
struct Source {
  const char* data;
  Type type;        // of floating-point numbers
  bool contiguous;  // in row order
  size_t itemsize;
  mx::Shape shape;
  mx::Strides strides;
  int64_t size;

  explicit Source(const mx::array& a);

  // elements gives the elements in row order, in place when they are so already, else copied to buffer.
  const void* elements(std::vector<float>& buffer) const;

  // floats gives floating-point numbers as floats in row order, in place or copied to buffer.
  const float* floats(std::vector<float>& buffer) const;

 private:
  void copy(size_t axis, const char* from, char*& to) const;
};

// Target is where a result goes, in row order.
struct Target {
  void* data;
  Type type;  // of floating-point numbers

  // at gives the place of a number.
  void* at(int64_t i) const { return static_cast<char*>(data) + i * size_of(type); }

  // write puts n floats at a place, as the target has them.
  void write(const float* from, int64_t i, int64_t n) const;
};

// scratch gives a buffer of the calling thread. There are scratch_count; one operation uses each for one thing.
constexpr int scratch_count = 8;
std::vector<float>& scratch(int use);

// take_pages asks the system for the pages of fresh memory that is about to be filled: one call for many takes half as long
// as a fault for each.
void take_pages(void* data, int64_t size);

using Body = std::function<void(const std::vector<Source>& inputs, const std::vector<Target>& outputs)>;

struct Result {
  mx::Shape shape;
  mx::Dtype dtype;
  int updates = -1;  // the input that it is a changed copy of, in place when nobody else has that one
};

// make_all makes the results of an operation on the CPU, make its only one.
std::vector<mx::array> make_all(const char* name, const std::vector<Result>& results, std::vector<mx::array> inputs, Body body);
mx::array make(const char* name, mx::Shape shape, mx::Dtype dtype, std::vector<mx::array> inputs, std::function<void(const std::vector<Source>&, const Target&)> body);

// ours reports whether our bodies take such arrays: of floating-point numbers, with elements.
bool ours(mx::Dtype type);
bool ours(const mx::array& a);

// on_cpu reports whether our bodies are wanted: on the CPU, unless the environment has TTSUI_PLAIN=1 or metal.
bool on_cpu();

// plain_only reports whether only MLX's operations are wanted, wherever they run: TTSUI_PLAIN=1.
bool plain_only();

// as_on_metal reports whether graphs are made on the CPU as on Metal, with our kernels' twins: TTSUI_PLAIN=metal.
bool as_on_metal();

template <class... Arrays>
bool applies(const Arrays&... arrays) {
  return on_cpu() && (ours(arrays) && ...);
}

}  // namespace bridge
