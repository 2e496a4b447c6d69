// arrays.cpp: handles, the process, and how data goes in and out.
#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstring>
#include <mutex>
#include <optional>
#include <thread>
#ifdef __GLIBC__
#include <malloc.h>
#endif
#ifdef __linux__
#include <linux/mman.h>
#include <sys/mman.h>
#endif

#include "count.hpp"
#include "guard.hpp"
#include "metal_kernels.hpp"

namespace bridge {

std::atomic<int64_t> inside{0};

namespace {

struct Slot {
  std::optional<mx::array> array, transposed;
  uint32_t generation = 1;
};

std::mutex table_mutex;
std::vector<Slot> slots;
std::vector<uint32_t> free_slots;
std::atomic<int64_t> live{0};
std::atomic<int64_t> evaluations{0};
std::atomic<int64_t> waited{0};
std::atomic<std::thread::id> owner{};
std::optional<mx::Stream> streams[2];  // of the owner: the one that it began with, and one beside it

constexpr size_t max_rank = 8;
char no_memory_text[] = "out of memory while reporting an error";

// Callers hold table_mutex.
Slot& slot_of(mlxb_array handle) {
  uint32_t index = static_cast<uint32_t>(handle);
  uint32_t generation = static_cast<uint32_t>(handle >> 32);
  require(handle != 0, "nil array");
  require(index < slots.size() && generation != 0, "not an array handle");
  Slot& slot = slots[index];
  require(slot.generation == generation && slot.array.has_value(), "array was freed");
  return slot;
}

size_t machine_memory() {
  static const size_t bytes = [] {
    auto info = mx::device_info(mx::Device(mx::Device::cpu));
    auto it = info.find("memory_size");
    if (it != info.end() && std::holds_alternative<size_t>(it->second)) return std::get<size_t>(it->second);
    return mx::get_memory_limit();
  }();
  return bytes;
}

}  // namespace

void require(bool ok, const char* sentence) {
  if (!ok) throw std::invalid_argument(sentence);
}

mx::array get(mlxb_array handle) {
  std::lock_guard lock(table_mutex);
  return *slot_of(handle).array;
}

mx::array filled(mlxb_array handle) {
  mx::array a = get(handle);
  require(a.size() > 0, "empty array");
  return a;
}

mx::array transposed(mlxb_array handle) {
  std::lock_guard lock(table_mutex);
  Slot& slot = slot_of(handle);
  if (slot.transposed) return *slot.transposed;
  mx::array view = mx::transpose(*slot.array);
  if (slot.array->is_available()) {
    mx::eval(view);
    slot.transposed = view;
  }
  return view;
}

void require_memory(double bytes) {
  if (bytes > static_cast<double>(machine_memory())) {
    throw std::runtime_error("an array of " + std::to_string(static_cast<int64_t>(bytes / (1 << 20))) + " MiB is larger than this machine's memory");
  }
}

mlxb_array put(mx::array a) {
  require(a.ndim() <= max_rank, "too many dimensions");
  double bytes = a.itemsize();
  for (int n : a.shape()) {
    require(n >= 0, "negative dimension");
    bytes *= n;
  }
  require_memory(bytes);
  std::lock_guard lock(table_mutex);
  if (free_slots.empty()) {
    require(slots.size() < UINT32_MAX, "too many arrays");
    free_slots.push_back(static_cast<uint32_t>(slots.size()));
    slots.emplace_back();
  }
  uint32_t index = free_slots.back();
  slots[index].array.emplace(std::move(a));
  free_slots.pop_back();
  live++;
  return static_cast<mlxb_array>(slots[index].generation) << 32 | index;
}

void release(mlxb_array handle) {
  std::optional<mx::array> dying, view;  // destroyed after the lock is gone
  std::lock_guard lock(table_mutex);
  Slot& slot = slot_of(handle);
  free_slots.push_back(static_cast<uint32_t>(handle));
  dying.swap(slot.array);
  view.swap(slot.transposed);
  if (++slot.generation == 0) slot.generation = 1;
  live--;
}

void put_all(mlxb_array* out, const std::vector<mx::array>& arrays) {
  size_t done = 0;
  try {
    for (; done < arrays.size(); done++) out[done] = put(arrays[done]);
  } catch (...) {
    while (done-- > 0) {
      release(out[done]);
      out[done] = 0;
    }
    throw;
  }
}

void check_thread() {
#ifdef MLXB_CHECK_THREAD
  require(owner.load() == std::this_thread::get_id(), "called outside the MLX thread");
#endif
}

char* error_text(const char* function, const char* what) noexcept {
  size_t size = std::strlen(function) + 2 + std::strlen(what) + 1;
  char* text = static_cast<char*>(std::malloc(size));
  if (text == nullptr) return no_memory_text;
  std::snprintf(text, size, "%s: %s", function, what);
  return text;
}

mx::Shape shape_of(const int* dims, int rank) {
  require(rank >= 0 && rank <= static_cast<int>(max_rank) && (dims != nullptr || rank == 0), "bad rank");
  size_t size = 1;
  for (int i = 0; i < rank; i++) {
    require(dims[i] >= 0, "negative dimension");
    require(!__builtin_mul_overflow(size, static_cast<size_t>(dims[i]), &size) && size < (size_t(1) << 48), "shape too large");
  }
  return mx::Shape(dims, dims + rank);
}

mx::Dtype dtype_of(mlxb_dtype dtype) {
  switch (dtype) {
    case MLXB_BOOL: return mx::bool_;
    case MLXB_INT32: return mx::int32;
    case MLXB_UINT32: return mx::uint32;
    case MLXB_FLOAT16: return mx::float16;
    case MLXB_BFLOAT16: return mx::bfloat16;
    case MLXB_FLOAT32: return mx::float32;
  }
  throw std::invalid_argument("unknown dtype");
}

std::optional<mx::array> maybe(mlxb_array handle) {
  if (handle == 0) return std::nullopt;
  return get(handle);
}

std::vector<mx::array> get_all(const mlxb_array* arrays, int n) {
  require(n >= 0 && (arrays != nullptr || n == 0), "bad array list");
  std::vector<mx::array> all;
  all.reserve(n);
  for (int i = 0; i < n; i++) all.push_back(get(arrays[i]));
  return all;
}

namespace {

mlxb_dtype dtype_name(mx::Dtype dtype) {
  for (mlxb_dtype d : {MLXB_BOOL, MLXB_INT32, MLXB_UINT32, MLXB_FLOAT16, MLXB_BFLOAT16, MLXB_FLOAT32}) {
    if (dtype_of(d) == dtype) return d;
  }
  throw std::invalid_argument("a dtype outside the bridge's");
}

// evaluate computes arrays and waits. What has been computed already costs nothing and isn't counted.
void evaluate(const std::vector<mx::array>& arrays) {
  bool work = std::any_of(arrays.begin(), arrays.end(), [](const mx::array& a) { return a.status() == mx::array::Status::unscheduled; });
  if (work) evaluations++;
  count_graph(arrays);
  Timed waiting(waited);
  mx::eval(arrays);
}

#ifdef __GLIBC__
// Sizes from which an array is a mapping of its own, which goes back to the system when it is freed, whichever thread
// does that and whatever lies beside it. For what comes and goes with each frame, making mappings costs too much.
constexpr int work_mapping = 8 << 20;
constexpr int lasting_mapping = 256 << 10;

struct LastingMappings {
  LastingMappings() { mallopt(M_MMAP_THRESHOLD, lasting_mapping); }
  ~LastingMappings() { mallopt(M_MMAP_THRESHOLD, work_mapping); }
};
#else
struct LastingMappings {};
#endif

// use_large_pages asks the system for pages of 2 MiB for packed weights. They are read from one end to the other, again
// and again, and memory stops at the end of each page: with small ones a frame of 4 bits takes a third longer. Weights
// of 16 bits gain too little for what the pages cost while a model loads. A system that has no such pages, or none left,
// changes nothing. A table of which single rows are read isn't worth it.
void use_large_pages([[maybe_unused]] const mx::array& a) {
#ifdef MADV_COLLAPSE
  constexpr uintptr_t page = 2 << 20, table = 64 << 20;
  if (a.dtype() != mx::uint32 || a.nbytes() < page || a.nbytes() > table || mx::default_device() != mx::Device::cpu) return;
  uintptr_t start = reinterpret_cast<uintptr_t>(a.data<char>()), end = start + a.nbytes();
  start = (start + page - 1) / page * page;
  end = end / page * page;
  if (start < end) (void)madvise(reinterpret_cast<void*>(start), end - start, MADV_COLLAPSE);
#endif
}

// Row-major float32, int32, … on the CPU side, evaluated.
mx::array readable(mlxb_array handle, mx::Dtype dtype, size_t n) {
  mx::array a = get(handle);
  require(a.size() == n, "the buffer has not the array's size");
  if (a.dtype() != dtype) a = mx::astype(a, dtype);
  evaluate({a});
  if (!a.flags().row_contiguous) {
    a = mx::contiguous(a);
    evaluate({a});
  }
  return a;
}

}  // namespace
}  // namespace bridge

using namespace bridge;

extern "C" {

char* mlxb_start(int use_gpu, [[maybe_unused]] const char* metallib) {
  owner = std::this_thread::get_id();
  return guard("start", [&] {
#ifdef __APPLE__
    if (metallib != nullptr) mx::metal::set_metallib_path(metallib);
#endif
    bool gpu = use_gpu && mx::is_available(mx::Device(mx::Device::gpu));
    mx::set_default_device(gpu ? mx::Device::gpu : mx::Device::cpu);
    streams[0] = mx::default_stream(mx::default_device());
    streams[1] = mx::new_stream(mx::default_device());
    // On the CPU mx::compile starts a C++ compiler at run time; users have none.
    if (!gpu) mx::disable_compile();
#ifdef __GLIBC__
    // Without a fixed limit glibc raises its own to 32 MiB, and keeps what is smaller when it is freed.
    mallopt(M_MMAP_THRESHOLD, work_mapping);
#endif
  });
}

char* mlxb_stop(void) {
  return guard("stop", [] {
    for (auto& stream : streams) {
      if (stream) mx::synchronize(*stream);
      stream.reset();
    }
    forget_angles();
    mx::clear_cache();
    owner = std::thread::id();
  });
}

char* mlxb_device(int* is_gpu, char* version, size_t version_len) {
  return guard("device", [&] {
    require(is_gpu != nullptr && version != nullptr && version_len > 0, "no place for the result");
    *is_gpu = mx::default_device().type == mx::Device::gpu;
    std::snprintf(version, version_len, "%s", mx::version());
  });
}

void mlxb_free_error(char* text) {
  if (text != no_memory_text) std::free(text);
}

int64_t mlxb_live(void) { return live.load(); }

int64_t mlxb_evaluations(void) { return evaluations.load(); }

int64_t mlxb_waited(void) { return waited.load(); }

int64_t mlxb_inside(void) { return inside.load(); }

void mlxb_memory(size_t* active, size_t* cache, size_t* peak) {
  if (active != nullptr) *active = mx::get_active_memory();
  if (cache != nullptr) *cache = mx::get_cache_memory();
  if (peak != nullptr) *peak = mx::get_peak_memory();
}

char* mlxb_reset_peak(void) {
  return guard("reset_peak", [] { mx::reset_peak_memory(); });
}

char* mlxb_clear_cache(void) {
  return guard("clear_cache", [] {
    mx::synchronize();
    forget_angles();
    mx::clear_cache();
#ifdef __GLIBC__
    malloc_trim(0);  // glibc keeps freed blocks of up to 32 MiB for itself once it has seen some come and go
#endif
  });
}

char* mlxb_from_data(mlxb_array* out, const void* data, size_t bytes, mlxb_dtype dtype, const int* shape, int rank) {
  return op("from_data", out, [&] {
    mx::Shape s = shape_of(shape, rank);
    mx::Dtype d = dtype_of(dtype);
    size_t size = 1;
    for (int n : s) size *= n;
    require(data != nullptr || bytes == 0, "no data");
    require(bytes == size * d.size(), "the data has not the shape's size");
    auto copy = std::make_unique_for_overwrite<char[]>(bytes);
    if (bytes > 0) std::memcpy(copy.get(), data, bytes);
    if (d == mx::bool_) std::transform(copy.get(), copy.get() + bytes, copy.get(), [](char c) { return c != 0; });
    return mx::array(copy.release(), s, d, [](void* p) { delete[] static_cast<char*>(p); });
  });
}

char* mlxb_full(mlxb_array* out, float value, mlxb_dtype dtype, const int* shape, int rank) {
  return op("full", out, [&] { return mx::full(shape_of(shape, rank), value, dtype_of(dtype)); });
}

char* mlxb_arange(mlxb_array* out, int start, int stop, mlxb_dtype dtype) {
  return op("arange", out, [&] {
    require(start <= stop, "start after stop");
    return mx::arange(static_cast<double>(start), static_cast<double>(stop), dtype_of(dtype));
  });
}

char* mlxb_free(const mlxb_array* arrays, int n) {
  return guard("free", [&] {
    require(n >= 0 && (arrays != nullptr || n == 0), "bad array list");
    std::string first;
    for (int i = 0; i < n; i++) {
      try {
        release(arrays[i]);
      } catch (const std::exception& e) {  // the others are freed all the same
        if (first.empty()) first = e.what();
      }
    }
    if (!first.empty()) throw std::invalid_argument(first);
  });
}

char* mlxb_shape(mlxb_array a, int* shape, int capacity, int* rank, mlxb_dtype* dtype) {
  return guard("shape", [&] {
    require(shape != nullptr && rank != nullptr && dtype != nullptr, "no place for the result");
    mx::array x = get(a);
    require(static_cast<int>(x.ndim()) <= capacity, "too many dimensions");
    *rank = static_cast<int>(x.ndim());
    for (int i = 0; i < *rank; i++) shape[i] = x.shape(i);
    *dtype = dtype_name(x.dtype());
  });
}

char* mlxb_eval(const mlxb_array* arrays, int n) {
  return guard("eval", [&] { evaluate(get_all(arrays, n)); });
}

char* mlxb_eval_lasting(const mlxb_array* arrays, int n) {
  return guard("eval_lasting", [&] {
    [[maybe_unused]] LastingMappings mappings;
    std::vector<mx::array> all = get_all(arrays, n);
    evaluate(all);
    for (const mx::array& a : all) use_large_pages(a);
  });
}

char* mlxb_async_eval(const mlxb_array* arrays, int n) {
  return guard("async_eval", [&] {
    std::vector<mx::array> all = get_all(arrays, n);
    count_graph(all);
    Timed waiting(waited);
    mx::async_eval(std::move(all));
  });
}

char* mlxb_ready(int* ready, mlxb_array a) {
  return guard("ready", [&] {
    require(ready != nullptr, "no place for the result");
    *ready = get(a).is_available();
  });
}

char* mlxb_use_stream(int beside) {
  return guard("use_stream", [&] {
    require((beside == 0 || beside == 1) && streams[beside], "no such stream");
    mx::set_default_stream(*streams[beside]);
  });
}

char* mlxb_read_f32(mlxb_array a, float* out, size_t n) {
  return guard("read_f32", [&] {
    require(out != nullptr || n == 0, "no place for the result");
    mx::array x = readable(a, mx::float32, n);
    if (n > 0) std::memcpy(out, x.data<float>(), n * sizeof(float));
  });
}

char* mlxb_read_i32(mlxb_array a, int32_t* out, size_t n) {
  return guard("read_i32", [&] {
    require(out != nullptr || n == 0, "no place for the result");
    mx::array x = readable(a, mx::int32, n);
    if (n > 0) std::memcpy(out, x.data<int32_t>(), n * sizeof(int32_t));
  });
}

}  // extern "C"
