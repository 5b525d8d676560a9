#include "mapped_file.h"

#include <cerrno>
#include <cstring>

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "env.h"

namespace abstractllm {

namespace {

[[noreturn]] void fail(const std::string& path, const char* what) {
  throw AddonError("weights", std::string(what) + " " + path + ": " + std::strerror(errno));
}

}  // namespace

std::shared_ptr<MappedFile> MappedFile::open(const std::string& path) {
  if (path.find('\0') != std::string::npos) throw AddonError("weights", "cannot open a path that holds a zero byte");
  int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);  // opening a pipe would wait for its writer
  if (fd < 0) fail(path, "cannot open");
  struct stat info;
  if (fstat(fd, &info) != 0) {
    ::close(fd);
    fail(path, "cannot stat");
  }
  if (!S_ISREG(info.st_mode)) {
    ::close(fd);
    throw AddonError("weights", path + " is not a file");
  }
  std::shared_ptr<MappedFile> file(new MappedFile());
  file->size_ = static_cast<size_t>(info.st_size);
  if (file->size_ > 0) {
    // private and writable: a stray write by a kernel stays in this process and never reaches the file
    void* p = mmap(nullptr, file->size_, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
    if (p == MAP_FAILED) {
      ::close(fd);
      fail(path, "cannot map");
    }
    file->data_ = static_cast<char*>(p);
  }
  ::close(fd);
  return file;
}

void MappedFile::forget(const char* data, size_t size) const {
  const size_t page = static_cast<size_t>(sysconf(_SC_PAGESIZE)), offset = static_cast<size_t>(data - data_);
  const size_t first = (offset + page - 1) / page * page, last = (offset + size) / page * page;
  if (first < last) madvise(data_ + first, last - first, MADV_DONTNEED);  // pages shared with neighbours stay
}

MappedFile::~MappedFile() {
  if (data_) munmap(data_, size_);
}

}  // namespace abstractllm
