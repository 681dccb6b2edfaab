#include "batch/rollout.h"

#include <algorithm>
#include <string>

#include "batch/error.h"

namespace copain {

void check(const RolloutBatch& batch, const Pool& pool, size_t most_ports) {
    if (batch.ports > most_ports)
        throw CoreError("inputs of " + std::to_string(batch.ports) + " ports; at most " +
                        std::to_string(most_ports) + " are");
    for (const int64_t address : batch.watch)
        if (address < 0 || static_cast<size_t>(address) >= batch.ram_size)
            throw CoreError("the watched address " + std::to_string(address) +
                            " lies outside of RAM, which has " + std::to_string(batch.ram_size) +
                            " bytes");
    for (const int32_t parent : batch.parents)
        if (!pool.in_use(parent))
            throw CoreError("the parent " + std::to_string(parent) +
                            " is not a slot of the pool that is in use");
}

Ends::Ends(Pool& pool, const RolloutBatch& batch) : pool_(pool), batch_(batch) {
    if (batch.keep)
        pool.allot(batch.slots);
    else
        std::ranges::fill(batch.slots, -1);
}

Ends::~Ends() {
    if (kept_ || !batch_.keep)
        return;
    pool_.free(batch_.slots);
    std::ranges::fill(batch_.slots, -1);
}

}  // namespace copain
