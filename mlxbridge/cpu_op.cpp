// cpu_op.cpp: see cpu_op.hpp.
#include "cpu_op.hpp"

#ifdef __linux__
#include <sys/mman.h>
#include <unistd.h>
#endif

#include <array>
#include <cstdlib>
#include <cstring>
#include <memory>

#include "count.hpp"
#include "mlx/backend/cpu/encoder.h"
#include "mlx/primitives.h"

namespace bridge {

namespace {

Type type_of(const mx::array& a) { return a.dtype() == mx::bfloat16 ? Type::bfloat16 : a.dtype() == mx::float16 ? Type::float16 : Type::float32; }

}  // namespace

Source::Source(const mx::array& a)
    : data(a.data<char>()), type(type_of(a)), contiguous(a.flags().row_contiguous), itemsize(a.itemsize()), shape(a.shape()),
      strides(a.strides()), size(static_cast<int64_t>(a.size())) {}

const void* Source::elements(std::vector<float>& buffer) const {
  if (contiguous) return data;
  buffer.resize((size * itemsize + sizeof(float) - 1) / sizeof(float));
  char* to = reinterpret_cast<char*>(buffer.data());
  copy(0, data, to);
  return buffer.data();
}

const float* Source::floats(std::vector<float>& buffer) const {
  if (type == Type::float32) return static_cast<const float*>(elements(buffer));
  thread_local std::vector<float> ordered;
  const void* halves = elements(ordered);
  buffer.resize(size);
  kernels().widen(type, halves, buffer.data(), size);
  return buffer.data();
}

void Source::copy(size_t axis, const char* from, char*& to) const {
  if (axis == shape.size()) {
    std::memcpy(to, from, itemsize);
    to += itemsize;
    return;
  }
  if (axis + 1 == shape.size() && strides[axis] == 1) {
    std::memcpy(to, from, shape[axis] * itemsize);
    to += shape[axis] * itemsize;
    return;
  }
  for (int i = 0; i < shape[axis]; i++) copy(axis + 1, from + i * strides[axis] * static_cast<int64_t>(itemsize), to);
}

void Target::write(const float* from, int64_t i, int64_t n) const {
  kernels().narrow(type, from, at(i), n);
}

namespace {

thread_local std::array<std::vector<float>, scratch_count> buffers;

// A buffer that was needed once for a long prompt is not kept for ever.
void drop_large_buffers() {
  constexpr size_t large = 4 << 20;  // numbers: 16 MiB
  for (std::vector<float>& b : buffers) {
    if (b.capacity() > large) std::vector<float>().swap(b);
  }
}

// CPUOperation is an MLX operation whose results are in row order.
class CPUOperation : public mx::Primitive {
 public:
  CPUOperation(const char* name, std::vector<int> updates, Body body)
      : mx::Primitive(mx::default_stream(mx::Device::cpu)), name_(name), updates_(std::move(updates)), body_(std::make_shared<const Body>(std::move(body))) {}

  void eval_cpu(const std::vector<mx::array>& inputs, std::vector<mx::array>& outputs) override {
    std::vector<Target> targets;
    std::vector<std::pair<int, int>> copies;  // inputs that can't be changed in place
    for (size_t i = 0; i < outputs.size(); i++) {
      const mx::array* changed = updates_[i] < 0 ? nullptr : &inputs[updates_[i]];
      if (changed != nullptr && changed->is_donatable() && changed->flags().row_contiguous) {
        outputs[i].copy_shared_buffer(*changed);
      } else {
        outputs[i].set_data(mx::allocator::malloc(outputs[i].nbytes()));
        if (changed != nullptr) copies.emplace_back(updates_[i], i);
      }
      targets.push_back({outputs[i].data<char>(), type_of(outputs[i])});
    }
    std::vector<Source> sources(inputs.begin(), inputs.end());
    mx::cpu::get_command_encoder(stream()).dispatch(
        [body = body_, sources = std::move(sources), targets = std::move(targets), copies = std::move(copies)] {
          for (auto [from, to] : copies) {
            const Source& s = sources[from];
            std::memcpy(targets[to].data, s.elements(scratch(0)), s.size * s.itemsize);
          }
          (*body)(sources, targets);
          drop_large_buffers();
        });
  }

  void eval_gpu(const std::vector<mx::array>&, std::vector<mx::array>&) override { throw std::runtime_error("a CPU operation on the GPU"); }
  const char* name() const override { return name_; }

 private:
  const char* name_;
  std::vector<int> updates_;  // of each output
  std::shared_ptr<const Body> body_;
};

}  // namespace

void take_pages([[maybe_unused]] void* data, [[maybe_unused]] int64_t size) {
#ifdef MADV_POPULATE_WRITE
  static const uintptr_t page = sysconf(_SC_PAGESIZE);
  uintptr_t start = reinterpret_cast<uintptr_t>(data), end = (start + size) / page * page;
  start = (start + page - 1) / page * page;
  if (start < end) (void)madvise(reinterpret_cast<void*>(start), end - start, MADV_POPULATE_WRITE);
#endif
}

std::vector<float>& scratch(int use) { return buffers[use]; }

std::vector<mx::array> make_all(const char* name, const std::vector<Result>& results, std::vector<mx::array> inputs, Body body) {
  std::vector<mx::Shape> shapes;
  std::vector<mx::Dtype> dtypes;
  std::vector<int> updates;
  for (const Result& r : results) {
    shapes.push_back(r.shape);
    dtypes.push_back(r.dtype);
    updates.push_back(r.updates);
  }
  return mx::array::make_arrays(std::move(shapes), dtypes, std::make_shared<CPUOperation>(name, std::move(updates), std::move(body)), inputs);
}

mx::array make(const char* name, mx::Shape shape, mx::Dtype dtype, std::vector<mx::array> inputs, std::function<void(const std::vector<Source>&, const Target&)> body) {
  Body one = [body = std::move(body)](const std::vector<Source>& in, const std::vector<Target>& out) { body(in, out[0]); };
  return mx::array(std::move(shape), dtype, std::make_shared<CPUOperation>(name, std::vector<int>{-1}, std::move(one)), std::move(inputs));
}

bool ours(mx::Dtype type) { return type == mx::float32 || type == mx::bfloat16 || type == mx::float16; }

bool ours(const mx::array& a) { return ours(a.dtype()) && a.size() > 0; }

namespace {

enum class Choice { own, plain, metal };

Choice choice() {
  static const Choice made = [] {
    const char* value = std::getenv("TTSUI_PLAIN");
    if (value != nullptr && std::strcmp(value, "1") == 0) return Choice::plain;
    return value != nullptr && std::strcmp(value, "metal") == 0 ? Choice::metal : Choice::own;
  }();
  return made;
}

}  // namespace

bool on_cpu() { return choice() == Choice::own && !counting_metal() && mx::default_device() == mx::Device::cpu; }

bool plain_only() { return choice() == Choice::plain; }

bool as_on_metal() { return (choice() == Choice::metal || counting_metal()) && mx::default_device() == mx::Device::cpu; }

}  // namespace bridge
