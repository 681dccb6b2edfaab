// Hooks that do what they may in the middle of instructions: poke, set registers, load states,
// stop.

#include <algorithm>
#include <memory>

#include "target.h"

namespace colibri::fuzz {
namespace {

struct Bench {
    std::unique_ptr<Machine> machine;
    std::vector<uint8_t> early, late;  // two of its states in one frame
};

std::vector<Bench> make_benches() {
    std::vector<Bench> benches;
    Random random{2};
    for (uint16_t mapper : kAllMappers) {
        const auto cartridge = Cartridge::parse(make_rom(random, mapper));
        Bench bench{std::make_unique<Machine>(cartridge, Options{}), {}, {}};
        Machine& machine = *bench.machine;
        for (int frame = 0; frame < 5; frame++) {
            const Held held{random.byte(), 0, 0, 0};
            run_some(machine, held, 50);
            bench.early.assign(machine.block(), machine.block() + machine.block_size());
            skip_to_last(machine, 500);
            run_some(machine, held, int(random.below(20)));
            bench.late.assign(machine.block(), machine.block() + machine.block_size());
            machine.run_frame(held);
        }
        benches.push_back(std::move(bench));
    }
    return benches;
}

struct Script {
    Food food;
    Bench* bench;
    Hooks* hooks;
    int instructions_left = 0;
};

void act(void* context, Machine& machine, const Access& access) {
    Script& script = *static_cast<Script*>(context);
    Food& food = script.food;
    if (food.left() == 0)
        return;
    switch (food.byte() & 15) {
        case 0:
        case 1:
            machine.poke(food.word(), food.byte());
            break;
        case 2:
            ppu::poke(machine, food.word() & 0x3FFF, food.byte());
            break;
        case 3: {
            Registers registers = machine.registers();
            registers.pc = food.word();
            registers.s = food.byte();
            registers.p = food.byte();
            registers.x = access.value;
            machine.set_registers(registers);
            break;
        }
        case 4:
            machine.load(food.byte() & 1 ? script.bench->early : script.bench->late);
            break;
        case 5: {  // the state as it is in the middle
            std::vector<uint8_t> now(machine.block(), machine.block() + machine.block_size());
            if (machine.check(now) == nullptr)
                machine.load(now);
            break;
        }
        case 6:
            script.hooks->stop = true;
            break;
        case 7:
            machine.peek(food.word());
            ppu::peek(machine, food.word() & 0x3FFF);
            break;
        case 8:
            (void)machine.cycles();
            break;
        default:  // nothing, for some calls
            break;
    }
}

void count(void* context, Machine&, const Access&) {
    Script& script = *static_cast<Script*>(context);
    if (--script.instructions_left <= 0)
        script.hooks->stop = true;
}

void trace(void* context, Machine&, const TraceLine& line) {
    if (static_cast<Script*>(context)->instructions_left % 16 == 0)
        (void)to_text(line);
}

}  // namespace

std::vector<uint8_t> make_input(Random& random) {
    std::vector<uint8_t> input(24 + random.below(120));
    for (uint8_t& byte : input)
        byte = random.byte();
    return input;
}

}  // namespace colibri::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    using namespace colibri;
    using namespace colibri::fuzz;
    static auto benches = make_benches();
    Script script{{data, data + size}, nullptr, nullptr};
    Food& food = script.food;
    Bench& bench = benches[food.byte() % benches.size()];
    Machine& machine = *bench.machine;
    const uint8_t flags = food.byte();
    Hooks hooks;
    script.bench = &bench;
    script.hooks = &hooks;
    // Few addresses a hook: a call for each access of a frame would take the time of all others.
    static constexpr uint16_t kFirst[] = {0x0000, 0x0100, 0x2000, 0x4000,
                                          0x4014, 0x6000, 0x8000, 0xFF00};
    for (auto* list : {&hooks.execute, &hooks.read, &hooks.write}) {
        const uint8_t where = food.byte(), length = food.byte();
        const auto first = static_cast<uint16_t>(kFirst[where & 7] + (where >> 3));
        const auto last = static_cast<uint16_t>(std::min(0xFFFF, first + length));
        list->push_back({first, last, act, &script});
    }
    if ((flags & 0x30) == 0x30) {
        hooks.trace = trace;
        hooks.trace_context = &script;
    }
    hooks.execute.push_back({0, 0xFFFF, count, &script});
    machine.skips_idle = flags & 1;
    machine.load(flags & 2 ? bench.early : bench.late);
    machine.hooks = &hooks;
    const Held held{flags, 0, 0, 0};
    script.instructions_left = 100;
    for (int stops = 0; stops < 4 && script.instructions_left > 0; stops++)
        machine.run_frame(held);
    if ((flags & 0x4F) == 0x40)
        machine.soft_reset();
    // What hooks left behind is a state like any other.
    machine.hooks = nullptr;
    if (near_end(machine) || flags == 0x80)
        machine.run_frame(held);
    return 0;
}
