// Copies of one game that play on, each in a block of its own; machines go from block to block.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <mutex>
#include <span>
#include <vector>

#include "batch/interrupt.h"
#include "colibri/machine.h"
#include "rl/seen.h"

namespace colibri {

class Copies {
  public:
    // `count` copies at power-on, played by `workers` threads; `palette` is 512 times red, green,
    // blue.
    Copies(std::shared_ptr<const Cartridge> cartridge, const Options& options, size_t count,
           size_t workers, std::span<const uint8_t> palette);

    size_t count() const { return count_; }
    void set_skips_idle(bool skips);

    // Throws copain::CoreError, and changes nothing, for what is no state of this game.
    void load(std::span<const int32_t> rows, std::span<const std::span<const uint8_t>> states);
    // A state, until the next call, and its frame.
    std::pair<std::span<const uint8_t>, int64_t> save(size_t row);

    void play(const copain::Seen& seen, const copain::Interrupt& interrupt);

  private:
    class Player;

    uint8_t* block(size_t row) { return &blocks_[row * stride_]; }

    std::vector<std::unique_ptr<Machine>> machines_;  // one a thread; the first one checks, too
    size_t count_;
    size_t size_, stride_;
    std::vector<uint8_t> blocks_;
    std::array<uint32_t, 512> colours_{};  // red, green, blue, from the lowest byte on
    std::array<uint8_t, 512> greys_;
    std::mutex mutex_;
};

}  // namespace colibri
