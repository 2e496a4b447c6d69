// count.cpp: see count.hpp.
#include "count.hpp"

#include <cstdio>
#include <cstring>
#include <map>
#include <set>
#include <string>
#include <unordered_set>

#include "guard.hpp"
#include "mlx/backend/cpu/encoder.h"
#include "mlx/primitives.h"

namespace bridge {
namespace {

// Of the MLX thread, as all arrays are.
mlxb_counting counting = MLXB_COUNT_NOTHING;
int64_t nodes = 0, kernels = 0;
std::map<std::string, int64_t> by_name;

// Another view of numbers that are there: no kernel runs for it.
bool is_view(const std::string& name) {
  static const std::set<std::string> views{"Broadcast", "Depends", "ExpandDims", "Flatten",      "Reshape", "Slice",
                                           "Split",     "Squeeze", "StopGradient", "Transpose", "Unflatten"};
  return views.contains(name);
}

class StandIn : public mx::UnaryPrimitive {
 public:
  explicit StandIn(const char* name) : mx::UnaryPrimitive(mx::default_stream(mx::Device::cpu)), name_(name) {}

  void eval_cpu(const std::vector<mx::array>&, mx::array& out) override {
    out.set_data(mx::allocator::malloc(out.nbytes()));
    mx::cpu::get_command_encoder(stream()).dispatch([data = out.data<char>(), bytes = out.nbytes()] { std::memset(data, 0, bytes); });
  }

  void eval_gpu(const std::vector<mx::array>&, mx::array&) override { throw std::runtime_error("a stand-in on the GPU"); }
  const char* name() const override { return name_; }

 private:
  const char* name_;
};

}  // namespace

void count_graph(const std::vector<mx::array>& arrays) {
  if (counting == MLXB_COUNT_NOTHING) return;
  std::vector<mx::array> open = arrays;
  std::unordered_set<std::uintptr_t> seen;  // primitives: one makes several arrays
  while (!open.empty()) {
    mx::array a = open.back();
    open.pop_back();
    if (a.status() != mx::array::Status::unscheduled || !a.has_primitive() || !seen.insert(a.primitive_id()).second) continue;
    std::string name = a.primitive().name();
    nodes++;
    kernels += !is_view(name);
    by_name[name]++;
    open.insert(open.end(), a.inputs().begin(), a.inputs().end());
  }
}

bool counting_metal() { return counting == MLXB_COUNT_METAL && mx::default_device() == mx::Device::cpu; }

mx::array stand_in(const char* name, mx::Shape shape, mx::Dtype dtype, std::vector<mx::array> inputs) {
  return mx::array(std::move(shape), dtype, std::make_shared<StandIn>(name), std::move(inputs));
}

}  // namespace bridge

using namespace bridge;

extern "C" {

char* mlxb_count(mlxb_counting how) {
  return guard("count", [&] {
    require(how >= MLXB_COUNT_NOTHING && how < MLXB_COUNTING_COUNT, "unknown way to count");
    counting = how;
    nodes = kernels = 0;
    by_name.clear();
  });
}

char* mlxb_counted(int64_t* n_nodes, int64_t* n_kernels, char* names, int capacity) {
  return guard("counted", [&] {
    require(n_nodes != nullptr && n_kernels != nullptr && names != nullptr && capacity > 0, "no place for the result");
    *n_nodes = nodes;
    *n_kernels = kernels;
    std::string text;
    for (const auto& [name, n] : by_name) text += name + " " + std::to_string(n) + "\n";
    std::snprintf(names, capacity, "%s", text.c_str());
  });
}

}  // extern "C"
