// Many rollouts in one call, on as many threads as there are cores.
#pragma once

#include <memory>
#include <span>

#include "batch/rollout.h"
#include "libretro/core.h"

namespace copain {

// Plays the batch. What is written does not depend on the number of cores. Throws CoreError, and
// leaves the pool as it was, for a parent not in use, a full pool, an address outside of RAM, or
// a core that refuses. `interrupt` is called now and then on the calling thread.
void rollout(std::span<const std::shared_ptr<Core>> cores, Pool& pool, const RolloutBatch& batch,
             const Interrupt& interrupt);

}  // namespace copain
