// cpu_threads.hpp: the cores of this machine for one piece of work at a time.
#pragma once

#include <cstdint>
#include <functional>

namespace bridge {

// thread_count is how many threads run_parallel works with, the calling one included.
int thread_count();

// run_parallel calls body(0) … body(count−1) on all threads and returns when all are done. body must neither
// throw nor call run_parallel. When the threads are at work for another caller, this one does all of it alone.
void run_parallel(int64_t count, const std::function<void(int64_t)>& body);

}  // namespace bridge
