#include "search/spill.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <utility>

#include "batch/error.h"

namespace copain {

namespace {

[[noreturn]] void failed(const std::string& folder, int error) {
    throw CoreError("what a search spills to " + folder + ": " + std::strerror(error));
}

int open_unnamed(const std::string& folder) {
    // mkstemp and unlink, since not every file system has O_TMPFILE.
    std::string path = folder + "/.spill-XXXXXX";
    const int file = mkostemp(path.data(), O_CLOEXEC);
    if (file < 0)
        failed(folder, errno);
    unlink(path.c_str());
    return file;
}

}  // namespace

SpillFile::~SpillFile() {
    if (file_ >= 0)
        close(file_);
}

uint64_t SpillFile::write(std::span<const uint8_t> bytes, size_t room) {
    if (file_ < 0)
        file_ = open_unnamed(folder_);
    std::vector<uint64_t>& same = free_[room];
    const uint64_t at = same.empty() ? end_ : same.back();
    for (size_t done = 0; done < bytes.size();) {
        const ssize_t wrote =
            pwrite(file_, bytes.data() + done, bytes.size() - done, static_cast<off_t>(at + done));
        if (wrote < 0 && errno != EINTR)
            failed(folder_, errno);
        done += wrote > 0 ? static_cast<size_t>(wrote) : 0;
    }
    if (same.empty())
        end_ += room;
    else
        same.pop_back();
    used_ += room;
    return at;
}

void SpillFile::read(uint64_t at, std::span<uint8_t> bytes) const {
    for (size_t done = 0; done < bytes.size();) {
        const ssize_t got =
            pread(file_, bytes.data() + done, bytes.size() - done, static_cast<off_t>(at + done));
        if (got == 0)
            failed(folder_, EIO);
        if (got < 0 && errno != EINTR)
            failed(folder_, errno);
        done += got > 0 ? static_cast<size_t>(got) : 0;
    }
}

void SpillFile::free(uint64_t at, size_t room) {
    free_[room].push_back(at);
    used_ -= room;
}

Pages::Pages(size_t size, const std::string& folder) : size_(size), in_file_(!folder.empty()) {
    int file = -1;
    if (in_file_) {
        file = open_unnamed(folder);
        // All of it now: a full disk would kill the process when a page is written.
        if (const int error = posix_fallocate(file, 0, static_cast<off_t>(size)); error != 0) {
            close(file);
            failed(folder, error);
        }
    }
    const int flags = in_file_ ? MAP_SHARED : MAP_PRIVATE | MAP_ANONYMOUS;
    void* data = mmap(nullptr, size, PROT_READ | PROT_WRITE, flags, file, 0);
    const int error = errno;
    if (file >= 0)
        close(file);  // the pages keep it
    if (data == MAP_FAILED) {
        if (in_file_)
            failed(folder, error);
        throw CoreError("there is no memory for " + std::to_string(size) + " bytes more");
    }
    data_ = static_cast<uint8_t*>(data);
    if (in_file_)
        madvise(data_, size_, MADV_RANDOM);
}

Pages::~Pages() {
    if (data_ != nullptr)
        munmap(data_, size_);
}

Pages::Pages(Pages&& other) noexcept
    : data_(std::exchange(other.data_, nullptr)),
      size_(std::exchange(other.size_, 0)),
      in_file_(other.in_file_) {}

Pages& Pages::operator=(Pages&& other) noexcept {
    std::swap(data_, other.data_);
    std::swap(size_, other.size_);
    std::swap(in_file_, other.in_file_);
    return *this;
}

void Pages::let_go() const {
    if (in_file_)
        madvise(data_, size_, MADV_DONTNEED);
}

}  // namespace copain
