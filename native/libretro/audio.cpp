#include "libretro/audio.h"

namespace copain {

namespace {
constexpr size_t kMost = size_t{1} << 21;  // values: more than twenty seconds at 48 kHz
}

void Audio::add(int16_t left, int16_t right) {
    const int16_t pair[2] = {left, right};
    add(pair, 1);
}

void Audio::add(const int16_t* data, size_t frames) {
    if (!wanted || !data || frames > kMost)
        return;
    if (samples_.size() + 2 * frames > 2 * kMost)  // rarely, so that each drop is worth its move
        samples_.erase(samples_.begin(), samples_.end() - static_cast<std::ptrdiff_t>(kMost));
    samples_.insert(samples_.end(), data, data + 2 * frames);
}

}  // namespace copain
