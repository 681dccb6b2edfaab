#include "rl/seen.h"

#include <algorithm>

namespace copain {

void Onlooker::show(size_t row, const uint8_t* rgb, size_t width, size_t height) const {
    uint8_t* to = screen_of(row);
    const size_t line = seen_.screen_width * 3;
    if (width != seen_.screen_width || height < seen_.screen_height)
        std::fill_n(to, line * seen_.screen_height, uint8_t{0});
    const size_t bytes = std::min(width * 3, line);
    for (size_t y = 0; y < std::min(height, seen_.screen_height); ++y)
        std::memcpy(to + y * line, rgb + y * width * 3, bytes);
}

void Onlooker::finish(size_t row) {
    if (seen_.sight) {
        float* features = nullptr;
        if (seen_.features)
            features = reinterpret_cast<float*>(seen_.features.push(row));
        int64_t* numbers = seen_.numbers ? seen_.numbers + row * seen_.sight->kept() : nullptr;
        seen_.sight->look(seen_.ram_of(row, seen_.frames), numbers, features);
        if (features)
            seen_.features.pushed(row, seen_.fresh);
    }
    if (seen_.grey) {
        GreyPicture& last = greys_[newest_];
        const GreyPicture& other = greys_[1 - newest_];
        if (pictures_ > 1 && other.width == last.width && other.height == last.height)
            brighten(last.pixels.data(), other.pixels.data(), last.width * last.height);
        uint8_t* to = seen_.grey.push(row);
        shrink_(last, to, seen_.grey_width, seen_.grey_height);
        seen_.grey.pushed(row, seen_.fresh);
    }
    pictures_ = 0;
}

}  // namespace copain
