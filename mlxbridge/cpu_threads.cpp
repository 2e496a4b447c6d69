// cpu_threads.cpp: see cpu_threads.hpp.
#include "cpu_threads.hpp"

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <mutex>
#include <system_error>
#include <thread>

namespace bridge {
namespace {

constexpr int most_threads = 8;  // more don't help: a frame is as fast as the memory

void pause() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#else
  std::this_thread::yield();
#endif
}

// Team is the threads that help with a piece of work, called a round. They look for one a little while before they
// sleep, since a frame is hundreds of short rounds. A round doesn't wait for helpers that come late, as they do on a
// busy machine: it closes when its work has been given out, and ends when those who joined are done.
class Team {
 public:
  // A system that starts no more threads leaves the team smaller.
  explicit Team(int helpers) {
    try {
      for (; helpers_ < helpers; helpers_++) std::thread([this] { help(); }).detach();
    } catch (const std::system_error&) {
    }
  }

  void run(int64_t count, const std::function<void(int64_t)>& body) {
    std::unique_lock busy(one_caller_, std::try_to_lock);
    if (!busy || helpers_ == 0 || count < 2) {
      for (int64_t i = 0; i < count; i++) body(i);
      return;
    }
    {
      std::lock_guard lock(mutex_);
      body_ = &body;
      count_ = count;
      next_ = 0;
      open_ = true;
      round_++;
    }
    wake_.notify_all();
    work();
    {
      std::lock_guard lock(mutex_);
      open_ = false;
    }
    for (int looks = 0; joined_.load(std::memory_order_acquire) > 0; looks++) {
      if (looks < patience) {
        pause();
      } else {
        std::this_thread::yield();
      }
    }
  }

 private:
  static constexpr int patience = 2000;  // looks, some 20 to 60 µs

  void work() {
    for (int64_t i; (i = next_.fetch_add(1)) < count_;) (*body_)(i);
  }

  void help() {
    for (uint64_t seen = 0;;) {
      for (int i = 0; i < patience && round_.load(std::memory_order_acquire) == seen; i++) pause();
      {
        std::unique_lock lock(mutex_);
        wake_.wait(lock, [&] { return round_ != seen; });
        seen = round_;
        if (!open_) continue;
        joined_++;
      }
      work();
      joined_.fetch_sub(1, std::memory_order_release);
    }
  }

  int helpers_ = 0;
  std::mutex one_caller_;  // held for a round
  std::mutex mutex_;       // guards what a round is made of, and who joins it
  std::condition_variable wake_;
  std::atomic<uint64_t> round_{0};
  std::atomic<int64_t> next_{0};
  std::atomic<int> joined_{0};
  bool open_ = false;
  int64_t count_ = 0;
  const std::function<void(int64_t)>* body_ = nullptr;
};

}  // namespace

int thread_count() {
  static const int count = std::clamp(static_cast<int>(std::thread::hardware_concurrency()), 1, most_threads);
  return count;
}

void run_parallel(int64_t count, const std::function<void(int64_t)>& body) {
  static Team* team = new Team(thread_count() - 1);  // its threads live as long as the process
  team->run(count, body);
}

}  // namespace bridge
