#include "libretro/timing.h"

#include <algorithm>
#include <chrono>
#include <cstring>

#include "batch/error.h"

namespace copain {

namespace {

double seconds_since(std::chrono::steady_clock::time_point start) {
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

}  // namespace

std::pair<double, uint64_t> time_advance(Core& core, std::span<const uint16_t> inputs, size_t ports,
                                         unsigned region, size_t address) {
    Core::Batch run(core);
    const std::span<uint8_t> memory = run.memory(region);
    if (ports == 0 || ports > kPorts || address >= memory.size())
        throw CoreError("time_advance: no such port or address");
    uint64_t sum = 0;
    const auto start = std::chrono::steady_clock::now();
    for (size_t at = 0; at + ports <= inputs.size(); at += ports) {
        run.frame(&inputs[at], ports);
        sum += memory[address];
    }
    const double seconds = seconds_since(start);
    run.check();
    return {seconds, sum};
}

std::pair<double, uint64_t> time_rollout(Core& core,
                                         const std::vector<std::vector<uint8_t>>& states,
                                         std::span<const int32_t> parents,
                                         std::span<const uint16_t> inputs, size_t frames,
                                         size_t ports) {
    Core::Batch run(core);
    const size_t size = run.memory(RETRO_MEMORY_SYSTEM_RAM).size();
    if (ports > kPorts || inputs.size() != parents.size() * frames * ports)
        throw CoreError("time_rollout: inputs do not fit the parents");
    for (const int32_t parent : parents)
        if (parent < 0 || static_cast<size_t>(parent) >= states.size())
            throw CoreError("time_rollout: no such parent");
    std::vector<uint8_t> ram(std::max<size_t>(size, 1)), end(size_t{1} << 24);
    uint64_t sum = 0;
    const auto start = std::chrono::steady_clock::now();
    for (size_t job = 0; job < parents.size(); ++job) {
        run.load(states[static_cast<size_t>(parents[job])]);
        for (size_t t = 0; t < frames; ++t)
            run.frame(inputs.data() + (job * frames + t) * ports, ports);
        std::memcpy(ram.data(), run.memory(RETRO_MEMORY_SYSTEM_RAM).data(), size);
        sum += ram[job % ram.size()] + run.save(end);
    }
    const double seconds = seconds_since(start);
    run.check();
    return {seconds, sum};
}

}  // namespace copain
