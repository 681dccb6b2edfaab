// Copies of one game that play on, each on a core of its own: nothing is loaded or saved between.
#pragma once

#include <memory>
#include <span>

#include "batch/interrupt.h"
#include "libretro/core.h"
#include "rl/seen.h"

namespace copain {

// Plays core `seen.rows[b]` of `cores`, for each b, on up to `workers` threads. Throws CoreError
// for a core that refuses, has another size of RAM, or shows no picture to look at.
void play_copies(std::span<const std::shared_ptr<Core>> cores, const Seen& seen, size_t workers,
                 const Interrupt& interrupt);

}  // namespace copain
