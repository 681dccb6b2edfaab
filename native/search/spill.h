// What a search holds beyond its limit of memory, in files that have no name: they are gone when
// the process is.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <vector>

namespace copain {

// Blocks of bytes in one file. All throw CoreError that names the folder when it is full, or
// cannot be written or read.
class SpillFile {
  public:
    explicit SpillFile(std::string folder) : folder_(std::move(folder)) {}
    ~SpillFile();
    SpillFile(const SpillFile&) = delete;
    SpillFile& operator=(const SpillFile&) = delete;

    // Where `room` bytes, of which these are the first, are now.
    uint64_t write(std::span<const uint8_t> bytes, size_t room);
    void read(uint64_t at, std::span<uint8_t> bytes) const;
    // Blocks of the same size use the room again.
    void free(uint64_t at, size_t room);
    size_t bytes() const { return used_; }

  private:
    std::string folder_;
    int file_ = -1;  // opened when it is needed
    uint64_t end_ = 0;
    size_t used_ = 0;
    std::map<size_t, std::vector<uint64_t>> free_;
};

// Memory for a table, all zeros: the process's own or, if `folder` is not empty, a file's, which
// the system may write out and take back.
class Pages {
  public:
    Pages() = default;
    Pages(size_t size, const std::string& folder);
    ~Pages();
    Pages(Pages&& other) noexcept;
    Pages& operator=(Pages&& other) noexcept;

    uint8_t* data() const { return data_; }
    size_t size() const { return size_; }
    bool in_file() const { return in_file_; }
    // Pages of a file are not this process's memory any more, until they are used again.
    void let_go() const;

  private:
    uint8_t* data_ = nullptr;
    size_t size_ = 0;
    bool in_file_ = false;
};

}  // namespace copain
