// Changed savestates: what `check` lets pass must run, whatever it holds.

#include <algorithm>
#include <cstddef>
#include <memory>

#include "target.h"

namespace colibri::fuzz {
namespace {

struct Base {
    std::unique_ptr<Machine> machine;
    std::vector<std::vector<uint8_t>> blocks;
};

// One machine for each mapper, with states all over a frame.
std::vector<Base> make_bases() {
    std::vector<Base> bases;
    Random random{1};
    for (uint16_t mapper : kAllMappers) {
        const auto cartridge = Cartridge::parse(make_rom(random, mapper));
        Options options;
        options.region = cartridge->region;
        options.four_score = random.one_in(3);
        Base base{std::make_unique<Machine>(cartridge, options), {}};
        Machine& machine = *base.machine;
        for (int frame = 0; frame < 4; frame++) {
            const Held held{random.byte(), random.byte(), 0, 0};
            if (frame > 0)
                run_some(machine, held, 50);
            base.blocks.emplace_back(machine.block(), machine.block() + machine.block_size());
            if (frame == 0) {
                machine.run_frame(held);
                continue;
            }
            machine.s().cpu.cycle += Cycle(random.below(20000));
            run_some(machine, held, 20);
            base.blocks.emplace_back(machine.block(), machine.block() + machine.block_size());
            skip_to_last(machine, 500);
            run_some(machine, held, 20);
            base.blocks.emplace_back(machine.block(), machine.block() + machine.block_size());
            machine.run_frame(held);
        }
        bases.push_back(std::move(base));
    }
    return bases;
}

// Where a change tells most: what is not RAM.
constexpr size_t kInteresting = offsetof(State, ram);

}  // namespace

std::vector<uint8_t> make_input(Random& random) {
    static constexpr uint8_t kValues[] = {0, 1, 2, 7, 0x7F, 0x80, 0xFE, 0xFF};
    std::vector<uint8_t> input = {random.byte(), random.byte(), random.byte()};
    for (uint32_t i = 1 + random.below(6); i > 0; i--) {
        // A whole number of up to four bytes at once, now and then.
        const uint32_t at = random.below(random.one_in(4) ? 0x10000 : uint32_t(kInteresting));
        const uint32_t length = random.one_in(3) ? 4 : 1;
        for (uint32_t k = 0; k < length; k++) {
            input.push_back(static_cast<uint8_t>(at + k));
            input.push_back(static_cast<uint8_t>((at + k) >> 8));
            input.push_back(random.one_in(2) ? kValues[random.below(sizeof kValues)]
                                             : random.byte());
        }
    }
    return input;
}

}  // namespace colibri::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    using namespace colibri;
    using namespace colibri::fuzz;
    static const auto bases = make_bases();
    Food food{data, data + size};
    const Base& base = bases[food.byte() % bases.size()];
    const uint8_t flags = food.byte();
    const uint8_t more = food.byte();
    Machine& machine = *base.machine;
    static std::vector<uint8_t> block;
    block = base.blocks[more % base.blocks.size()];
    while (food.left() >= 3) {
        const size_t at = food.word() % block.size();
        block[at] = food.byte();
    }
    if (flags == 0x80)
        block.resize(more * 256u % (block.size() + 1));
    if (machine.check(block) != nullptr)
        return 0;
    static std::vector<uint16_t> picture(256 * 240);
    machine.picture = flags & 1 ? picture.data() : nullptr;
    machine.skips_idle = flags & 2;
    machine.load(block);
    const Held held{flags, more, 0, 0};
    run_some(machine, held, 40);
    if (near_end(machine) || flags == 0x40)
        machine.run_frame(held);
    run_some(machine, held, 20);
    return 0;
}
