// cpu_threads.hpp: the cores of this machine for one piece of work at a time.
#pragma once

#include <algorithm>
#include <cstdint>
#include <functional>

namespace bridge {

// thread_count is how many threads run_parallel works with, the calling one included.
int thread_count();

// run_parallel calls body(0) … body(count−1) on all threads and returns when all are done. body must neither
// throw nor call run_parallel. When the threads are at work for another caller, this one does all of it alone.
void run_parallel(int64_t count, const std::function<void(int64_t)>& body);

inline int64_t divide_up(int64_t a, int64_t b) { return (a + b - 1) / b; }

// For fewer products than these waking a thread doesn't pay.
constexpr int64_t worth_waking = 32 << 10;

// Pieces is how a map of rows to channels is cut up: pieces of rows, of width floats each, that stay in a core's cache
// while the weights pass by, and pieces of channels until every core has a few to do, if that is wanted. Both are whole
// tiles of every instruction set.
struct Pieces {
  int64_t rows, channels;  // of a piece; the last ones may have fewer
  int64_t down, across;    // so many pieces

  Pieces(int64_t all_rows, int64_t width, int64_t all_channels, int64_t channel_step, bool spread) {
    constexpr int64_t second_level_cache = 256 << 10, row_step = 12;
    int64_t fit = second_level_cache / (width * static_cast<int64_t>(sizeof(float))) / row_step * row_step;
    rows = std::min(all_rows, std::max(fit, 5 * row_step));
    down = divide_up(all_rows, rows);
    int64_t wanted = spread ? divide_up(4 * thread_count(), down) : 1;
    channels = std::min(all_channels, divide_up(divide_up(all_channels, wanted), channel_step) * channel_step);
    across = divide_up(all_channels, channels);
  }
};

}  // namespace bridge
