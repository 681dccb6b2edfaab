// What is to be seen of many copies that play on, and where it goes; see copain.copies.Seen.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <vector>

#include "rl/picture.h"
#include "rl/sight.h"

namespace copain {

// What was seen last of each copy, the newest at the end: `depth` items of `item` bytes a copy.
struct SeenStack {
    uint8_t* kept = nullptr;   // null: is not to be seen
    uint8_t* given = nullptr;  // gets a copy; may be null
    size_t item = 0;
    size_t depth = 0;

    explicit operator bool() const { return kept != nullptr; }
    // Where the newest of a copy goes; what is older moves on.
    uint8_t* push(size_t row) const {
        uint8_t* mine = kept + row * depth * item;
        std::memmove(mine, mine + item, (depth - 1) * item);
        return mine + (depth - 1) * item;
    }
    // When it is written. Of what is fresh, it is all that there is.
    void pushed(size_t row, bool fresh) const {
        uint8_t* mine = kept + row * depth * item;
        for (size_t k = 0; fresh && k + 1 < depth; ++k)
            std::memcpy(mine + k * item, mine + (depth - 1) * item, item);
        if (given)
            std::memcpy(given + row * depth * item, mine, depth * item);
    }
};

// B copies of N play T frames. Arrays are the caller's, in C order, and checked.
struct Seen {
    size_t copies = 0;                 // N
    size_t frames = 0;                 // T
    size_t ports = 0;                  // P
    size_t ram_size = 0;               // R
    std::span<const int32_t> rows;     // B
    std::span<const uint16_t> inputs;  // B * T * P
    uint8_t* ram = nullptr;            // (T + 1) * N * R
    const RamSight* sight = nullptr;
    int64_t* numbers = nullptr;  // N * sight->kept()
    SeenStack features;          // floats
    SeenStack grey;
    size_t grey_width = 0, grey_height = 0;
    uint8_t* screen = nullptr;  // N * height * width * 3
    size_t screen_width = 0, screen_height = 0;
    bool fresh = false;

    bool looks() const { return grey || screen; }
    // Whether the picture of frame t, from 0, is looked at.
    bool looks_at(size_t t) const { return looks() && t + (grey ? 2 : 1) >= frames; }
    uint8_t* ram_of(size_t row, size_t t) const { return ram + (t * copies + row) * ram_size; }
    const uint16_t* held(size_t job, size_t t) const {
        return inputs.data() + (job * frames + t) * ports;
    }
};

// Takes in, of one copy after the other, what there is to see. One a thread.
class Onlooker {
  public:
    explicit Onlooker(const Seen& seen) : seen_(seen) {}

    // Where the grey picture of the next frame goes. The last two are kept.
    GreyPicture& next_grey() {
        newest_ = 1 - newest_;
        ++pictures_;
        return greys_[newest_];
    }
    // Where the screen of this copy goes.
    uint8_t* screen_of(size_t row) const {
        return seen_.screen + row * seen_.screen_width * seen_.screen_height * 3;
    }
    // Puts a picture there that may be of another size.
    void show(size_t row, const uint8_t* rgb, size_t width, size_t height) const;
    // When all frames of a copy were played.
    void finish(size_t row);

  private:
    const Seen& seen_;
    GreyPicture greys_[2];
    size_t newest_ = 0;
    size_t pictures_ = 0;
    Shrink shrink_;
};

}  // namespace copain
