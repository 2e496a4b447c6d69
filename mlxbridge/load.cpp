// load.cpp: weights read from their files, straight to where they stay.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <map>
#include <mutex>
#include <system_error>

#include "cpu_op.hpp"
#include "cpu_threads.hpp"
#include "guard.hpp"

namespace bridge {
namespace {

// File is an open file, which stays readable when its name is gone. All arrays that are still to be read from it share it.
struct File {
  const std::string path;
  const int descriptor;
  struct stat info {};

  explicit File(const std::string& name) : path(name), descriptor(open(name.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK)) {
    if (descriptor < 0) throw std::system_error(errno, std::generic_category(), path);
    if (fstat(descriptor, &info) != 0 || !S_ISREG(info.st_mode)) {
      close(descriptor);
      throw std::invalid_argument(path + " is no file");
    }
  }
  ~File() { close(descriptor); }
  File(const File&) = delete;
  File& operator=(const File&) = delete;
};

std::shared_ptr<File> open_file(const std::string& path) {
  static std::mutex mutex;
  static std::map<std::pair<dev_t, ino_t>, std::weak_ptr<File>> files;
  auto file = std::make_shared<File>(path);
  std::lock_guard lock(mutex);
  std::erase_if(files, [](const auto& entry) { return entry.second.expired(); });
  std::weak_ptr<File>& known = files[{file->info.st_dev, file->info.st_ino}];
  if (auto shared = known.lock()) return shared;
  known = file;
  return file;
}

// Part is bytes of a file and where they go.
struct Part {
  int64_t offset, size, to;
};

// read_part reads a part and gives 0, the system's error, or -1 when the file ends before.
int read_part(const File& file, const Part& part, char* data) {
  char* to = data + part.to;
  take_pages(to, part.size);
  for (int64_t done = 0; done < part.size;) {
    ssize_t n = pread(file.descriptor, to + done, part.size - done, part.offset + done);
    if (n == 0) return -1;
    if (n < 0 && errno != EINTR) return errno;
    done += std::max<ssize_t>(n, 0);
  }
  return 0;
}

void read_all(const File& file, const std::vector<Part>& parts, char* data) {
  std::atomic<int> failure{0};
  run_parallel(static_cast<int64_t>(parts.size()), [&](int64_t i) {
    if (failure != 0) return;
    if (int e = read_part(file, parts[i], data); e != 0) failure = e;
  });
  if (failure > 0) throw std::system_error(failure, std::generic_category(), "read " + file.path);
  if (failure < 0) throw std::runtime_error("read " + file.path + ": the file got shorter");
}

}  // namespace
}  // namespace bridge

using namespace bridge;

extern "C" char* mlxb_load(mlxb_array* out, const char* path, const int64_t* offsets, const int64_t* sizes, int n, mlxb_dtype dtype, const int* shape, int rank) {
  return op("load", out, [&] {
    require(path != nullptr && n >= 0 && ((offsets != nullptr && sizes != nullptr) || n == 0), "bad arguments");
    mx::Shape dims = shape_of(shape, rank);
    mx::Dtype type = dtype_of(dtype);
    int64_t bytes = type.size();
    for (int d : dims) bytes *= d;
    std::shared_ptr<File> file = open_file(path);
    std::vector<Part> parts;
    int64_t to = 0;
    for (int i = 0; i < n; i++) {
      require(offsets[i] >= 0 && sizes[i] >= 0 && offsets[i] <= file->info.st_size && sizes[i] <= file->info.st_size - offsets[i], "the file ends before");
      require(sizes[i] <= bytes - to, "the spans are longer than the array");
      constexpr int64_t most = 4 << 20;  // enough for a disk, and little enough for every thread to have its share
      for (int64_t done = 0; done < sizes[i]; done += most) {
        int64_t size = std::min(most, sizes[i] - done);
        parts.push_back({offsets[i] + done, size, to});
        to += size;
      }
    }
    require(to == bytes, "the spans are shorter than the array");
    return make("Load", dims, type, {}, [file = std::move(file), parts = std::move(parts)](const std::vector<Source>&, const Target& y) {
      read_all(*file, parts, static_cast<char*>(y.data));
    });
  });
}
