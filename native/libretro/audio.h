// The samples since the start of the last advance.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace copain {

class Audio {
  public:
    bool wanted = true;

    void clear() { samples_.clear(); }
    void add(int16_t left, int16_t right);
    void add(const int16_t* data, size_t frames);

    // Left and right in turn; of a long advance only the newest.
    const std::vector<int16_t>& samples() const { return samples_; }

  private:
    std::vector<int16_t> samples_;
};

}  // namespace copain
