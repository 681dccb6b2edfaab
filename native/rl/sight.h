// What is seen of RAM: numbers, and features made of them. copain.sight is the reference.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace copain {

// A number in RAM; see copain.memory.Variable.
struct RamNumber {
    enum class Type : uint8_t { plain, negative, bcd, digits };  // negative: two's complement

    uint32_t address = 0;
    uint32_t length = 1;
    Type type = Type::plain;
    bool big = false;
    bool swapped = false;
    int64_t mask = -1;

    int64_t of(const uint8_t* ram) const;
};

// Made of the number at `index`: 1 or -1 by whether it is `low`, or its place on a line.
struct RamFeature {
    uint32_t index = 0;
    bool equals = false;
    double low = 0;
    double scale = 1;
};

class RamSight {
  public:
    // Throws CoreError for a feature of no number. Looks at the first `ram_size` bytes of RAM.
    RamSight(std::vector<RamNumber> numbers, std::vector<RamFeature> features, size_t kept);

    size_t ram_size() const { return ram_size_; }
    size_t kept() const { return kept_; }
    size_t size() const { return features_.size(); }

    // Writes the numbers that are kept, and the features; either may be null.
    void look(const uint8_t* ram, int64_t* kept, float* features) const;

  private:
    std::vector<RamNumber> numbers_;
    std::vector<RamFeature> features_;
    size_t kept_;
    size_t ram_size_ = 0;
};

}  // namespace copain
