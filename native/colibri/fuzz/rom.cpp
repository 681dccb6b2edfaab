// Any bytes as a ROM file, run for some frames with any joypads.
//
// Beyond memory: what runs must come to the frame's end, its state must pass `check`, and must be
// the same with idle loops skipped or not, drawn or not, and on the exact bus (with hooks) or not.

#include <cstddef>
#include <memory>

#include "target.h"

namespace colibri::fuzz {
namespace {

void expect_same(const Machine& a, const Machine& b, const char* when) {
    const uint8_t *first = a.block(), *second = b.block();
    for (size_t i = 0; i < a.block_size(); i++) {
        if (first[i] == second[i])
            continue;
        std::fprintf(stderr, "fuzz: %s, byte %zu of the state is $%02X and $%02X (frame %u)\n",
                     when, i, first[i], second[i], a.s().frame);
        std::fprintf(stderr, "cpu from %zu, ppu %zu, apu %zu, mapper %zu, ram %zu; pc %04X %04X\n",
                     offsetof(State, cpu), offsetof(State, ppu), offsetof(State, apu),
                     offsetof(State, mapper), offsetof(State, ram), a.s().cpu.pc, b.s().cpu.pc);
        std::abort();
    }
}

}  // namespace

std::vector<uint8_t> make_input(Random& random) {
    std::vector<uint8_t> input;
    for (int i = 0; i < 4; i++)
        input.push_back(random.byte());
    const auto rom = make_rom(random);
    input.insert(input.end(), rom.begin(), rom.end());
    // Some bytes change, in the header above all.
    if (random.one_in(4))
        for (uint32_t i = random.below(8); i > 0; i--)
            input[4 + random.below(random.one_in(2) ? 16 : uint32_t(rom.size()))] = random.byte();
    if (random.one_in(16))
        input.resize(random.below(uint32_t(input.size()) + 1));
    return input;
}

}  // namespace colibri::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    using namespace colibri;
    using namespace colibri::fuzz;
    Food food{data, data + size};
    const uint8_t flags = food.byte();
    const uint8_t more = food.byte();
    const uint16_t held = food.word();
    Options options;
    options.four_score = flags & 1;
    options.ram = static_cast<PowerOnRam>(flags >> 1 & 3);
    options.ram_seed = held;

    std::shared_ptr<const Cartridge> cartridge;
    try {
        cartridge = Cartridge::parse({food.at, food.left()});
    } catch (const RomError&) {
        return 0;
    }
    options.region = more & 0x10 ? static_cast<Region>((more >> 5) % 3) : cartridge->region;

    Machine machine(cartridge, options);
    std::unique_ptr<Machine> other;
    Hooks hooks;
    std::vector<uint16_t> picture;
    if (flags & 0x08) {
        other = std::make_unique<Machine>(cartridge, options);
        other->skips_idle = false;
        if (flags & 0x10)
            other->hooks = &hooks;
    }
    if (flags & 0x20) {
        picture.resize(256 * 240);
        machine.picture = picture.data();
    }
    const auto low = static_cast<uint8_t>(held), high = static_cast<uint8_t>(held >> 8);
    const Held joypads{low, high, flags, more};
    // Two frames from power-on, the second but for its end with the picture off; then some of a
    // third, and now and then all of it.
    const bool whole = flags & 0x80 && (low & 7) == 0;
    const auto both = [&](auto&& run, const char* when) {
        run(machine);
        expect(machine.check({machine.block(), machine.block_size()}) == nullptr,
               "a machine's own state does not pass the check");
        if (other) {
            run(*other);
            expect_same(machine, *other, when);
        }
    };
    both(
        [&](Machine& m) {
            m.run_frame(joypads);
            run_some(m, joypads, 1);
            skip_to_last(m, 100 + low * 8);
            m.run_frame(joypads);
        },
        "in the first frames");
    both([&](Machine& m) { run_some(m, joypads, 10 + (more & 0x0F) * 8); }, "drawn and not");
    if (!whole)
        return 0;
    both(
        [&](Machine& m) {
            if (flags & 0x40)
                m.soft_reset();
            if (more & 1)
                skip_to_last(m, 100 + high * 8);
            m.run_frame(joypads);
        },
        "in a later frame");
    return 0;
}
