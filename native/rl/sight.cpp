#include "rl/sight.h"

#include <algorithm>
#include <array>
#include <string>
#include <utility>

#include "batch/error.h"

namespace copain {

int64_t RamNumber::of(const uint8_t* ram) const {
    int64_t value = 0, worth = 1;
    for (uint32_t i = 0; i < length; ++i) {
        const uint32_t at = address + (big ? length - 1 - i : i);
        const int64_t byte = ram[swapped ? at ^ 1u : at];
        switch (type) {
            case Type::bcd:
                value += ((byte >> 4) * 10 + (byte & 15)) * worth;
                worth *= 100;
                break;
            case Type::digits:
                value += (byte & 15) * worth;
                worth *= 10;
                break;
            default:
                value += byte << (8 * i);
        }
    }
    if (type == Type::negative) {
        const int64_t half = int64_t{1} << (8 * length - 1);
        value = value >= half ? value - 2 * half : value;
    }
    return value & mask;
}

RamSight::RamSight(std::vector<RamNumber> numbers, std::vector<RamFeature> features, size_t kept)
    : numbers_(std::move(numbers)), features_(std::move(features)), kept_(kept) {
    for (const RamNumber& number : numbers_) {
        if (number.length < 1 || number.length > 8)
            throw CoreError("a number of RAM has 1 to 8 bytes");
        const size_t end = size_t{number.address} + number.length;
        ram_size_ = std::max(ram_size_, number.swapped ? (end + 1) & ~size_t{1} : end);
    }
    if (kept_ > numbers_.size())
        throw CoreError("more numbers are kept than there are");
    for (const RamFeature& feature : features_)
        if (feature.index >= numbers_.size())
            throw CoreError("a feature is of number " + std::to_string(feature.index) +
                            ", which there is not");
}

void RamSight::look(const uint8_t* ram, int64_t* kept, float* features) const {
    static thread_local std::vector<int64_t> scratch;
    scratch.resize(numbers_.size());
    int64_t* values = scratch.data();
    for (size_t i = 0; i < numbers_.size(); ++i) {
        const RamNumber& number = numbers_[i];
        const bool byte = number.length == 1 && number.type == RamNumber::Type::plain &&
                          !number.swapped && number.mask == -1;
        values[i] = byte ? ram[number.address] : number.of(ram);
    }
    if (kept)
        std::copy_n(values, kept_, kept);
    if (!features)
        return;
    for (size_t i = 0; i < features_.size(); ++i) {
        const RamFeature& feature = features_[i];
        const double value = static_cast<double>(values[feature.index]) - feature.low;
        const double line = std::clamp(value * feature.scale - 1.0, -1.0, 1.0);
        features[i] = static_cast<float>(feature.equals ? (value == 0 ? 1.0 : -1.0) : line);
    }
}

}  // namespace copain
