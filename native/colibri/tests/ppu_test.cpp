// The PPU's trust: however lazily it catches up, drawn or not, it must come to the same bytes as
// when it catches up in every CPU cycle, and what it foretells must be what then happens.
//
// Scripts of random register accesses at random cycles run on machines that differ in how they
// catch up only. No CPU runs. Prints what fails with its seed; the exit status says whether
// anything did. Arguments: how many seeds, and the first.

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <random>
#include <string>

#include "../machine.h"

using namespace colibri;

namespace {

int failures = 0;
long checks = 0;

struct Random {
    std::mt19937 engine;
    uint32_t below(uint32_t end) { return static_cast<uint32_t>(engine()) % end; }
    bool once_in(uint32_t n) { return below(n) == 0; }
    uint8_t byte() { return static_cast<uint8_t>(engine()); }
};

// One access, as the CPU would make it.
struct Action {
    enum Kind { read, write, oam_dma, mapper_write, look } kind;
    Cycle cycle;
    uint16_t address;
    uint8_t value;
};

std::vector<uint8_t> rom_bytes(int mapper, bool chr_ram, Random& random) {
    std::vector<uint8_t> file = {'N', 'E', 'S', 0x1A, 8, static_cast<uint8_t>(chr_ram ? 0 : 16)};
    file.push_back(static_cast<uint8_t>(mapper << 4 | random.below(2)));
    file.resize(16);
    file.resize(16 + 128 * 1024);
    if (chr_ram)
        return file;
    // Tiles: empty, full, or any.
    const uint32_t density = 1 + random.below(6);
    for (int tile = 0; tile < 128 * 64; ++tile) {
        const uint32_t kind = random.below(density + 2);
        for (int i = 0; i < 16; ++i)
            file.push_back(kind == 0 ? 0xFF : kind == 1 ? random.byte() : kind == 2 ? 0x11 : 0);
    }
    return file;
}

enum class How { lazy, eager };

struct Bench {
    Machine machine;
    How how;
    std::vector<uint16_t> pixels;
    Cycle caught_up = 0;
    std::string log;  // interrupts, in order

    // What was foretold, and for what: the status flags at the time.
    Cycle status_lasts = 0;
    uint8_t status = 0;

    Bench(std::shared_ptr<const Cartridge> cartridge, const Options& options, How how, bool draws)
        : machine(std::move(cartridge), options), how(how) {
        if (draws) {
            pixels.assign(256 * 240, 0x8000);
            machine.picture = pixels.data();
        }
        machine.s().ppu.silent = 0;
    }
    State& s() { return machine.s(); }

    // Notes and lets go of interrupts, so that the next one shows.
    void note_interrupts() {
        CpuState& cpu = s().cpu;
        if (cpu.nmi_at != kNever)
            log += " nmi " + std::to_string(cpu.nmi_at);
        cpu.nmi_at = kNever;
        if (cpu.irq_at != kNever)
            log += " irq " + std::to_string(cpu.irq_at);
        cpu.irq_at = kNever;
        cpu.irq = 0;
    }
    // An eager machine catches up in every cycle.
    void reach(Cycle cycle) {
        s().cpu.cycle = cycle;
        if (how == How::lazy)
            return;
        for (; caught_up < cycle; ++caught_up) {
            ppu::catch_up(machine, caught_up);
            ++checks;
            if (caught_up < status_lasts && s().ppu.status != status) {
                log += " status changed at " + std::to_string(caught_up) + ", foretold for " +
                       std::to_string(status_lasts);
                status_lasts = 0;
            }
        }
    }
    void end_frame() {
        State& state = s();
        reach(machine.cycle_at(machine.frame_dots()) + 2);
        ppu::catch_up(machine, state.cpu.cycle);
        note_interrupts();
        const int32_t dots = machine.frame_dots();
        const Cycle length = machine.cycle_at(dots);
        const int32_t phase =
            length * machine.clock().cpu + state.phase - dots * machine.clock().ppu;
        ppu::end_frame(machine);
        state.phase = phase;
        state.cpu.cycle -= length;
        caught_up = state.cpu.cycle;
        status_lasts = 0;
        log += " frame " + std::to_string(length);
    }
    void act(const Action& action) {
        reach(action.cycle);
        status_lasts = 0;
        State& state = s();
        state.cpu.cycle = action.cycle;
        switch (action.kind) {
            case Action::read:
                log += " " + std::to_string(ppu::read(machine, action.address, action.cycle));
                break;
            case Action::write:
                ppu::write(machine, action.address, action.value, action.cycle);
                break;
            case Action::oam_dma:
                for (int i = 0; i < 256; ++i) {
                    reach(action.cycle + 2 * i);
                    const auto value = static_cast<uint8_t>(action.value * 7 + i * 31);
                    ppu::write_oam(machine, i % 4 == 0 ? value % 64 + action.value : value,
                                   action.cycle + 2 * i);
                }
                break;
            case Action::mapper_write:
                if (machine.mapper().write)
                    machine.mapper().write(machine, action.address, action.value, action.cycle);
                break;
            case Action::look:
                ppu::catch_up(machine, action.cycle);
                break;
        }
    }
};

// A script of one frame.
std::vector<Action> make_script(Random& random, int mapper, Cycle length) {
    std::vector<Action> script;
    const auto add = [&](Action::Kind kind, Cycle cycle, int address, int value) {
        script.push_back(
            {kind, cycle, static_cast<uint16_t>(address), static_cast<uint8_t>(value)});
    };
    // What games do in vertical blank.
    Cycle at = 2400 + static_cast<Cycle>(random.below(300));
    const auto next = [&] { return at += 4 + static_cast<Cycle>(random.below(5)); };
    if (random.once_in(2)) {
        add(Action::write, next(), 0x2003, random.once_in(8) ? random.byte() : 0);
        add(Action::oam_dma, next(), 0, random.byte());
        at += 520;
    }
    if (random.once_in(2)) {
        add(Action::write, next(), 0x2006, random.byte());
        add(Action::write, next(), 0x2006, random.byte());
        for (uint32_t i = random.below(40); i > 0; --i)
            add(random.once_in(6) ? Action::read : Action::write, next(), 0x2007, random.byte());
    }
    if (random.once_in(2)) {
        add(Action::read, next(), 0x2002, 0);
        add(Action::write, next(), 0x2005, random.byte());
        add(Action::write, next(), 0x2005, random.byte());
    }
    if (random.once_in(2))
        add(Action::write, next(), 0x2000, random.byte() | (random.once_in(2) ? 0x80 : 0));
    if (random.once_in(2))
        add(Action::write, next(), 0x2001, random.once_in(4) ? random.byte() : 0x1E);
    if (mapper == 4 && random.once_in(2)) {
        add(Action::mapper_write, next(), 0xC000, random.below(random.once_in(3) ? 256 : 30));
        add(Action::mapper_write, next(), 0xC001, 0);
        add(Action::mapper_write, next(), random.once_in(3) ? 0xE000 : 0xE001, 0);
    }
    // And anything, anywhere; in clusters, and around where flags change.
    const uint32_t wild = random.once_in(2) ? 0 : random.below(random.once_in(4) ? 400 : 20);
    Cycle around = 0;
    for (uint32_t i = 0; i < wild; ++i) {
        if (i == 0 || random.once_in(4)) {
            const uint32_t where = random.below(6);
            around = where == 0   ? 112
                     : where == 1 ? length - 27394 + static_cast<Cycle>(random.below(120))
                                  : static_cast<Cycle>(random.below(static_cast<uint32_t>(length)));
        }
        const Cycle cycle =
            std::clamp(around + static_cast<Cycle>(random.below(60)), 1, length - 4);
        static constexpr int kRegisters[] = {0, 1, 1, 2, 2, 2, 3, 4, 4, 5, 5, 6, 6, 7, 7};
        const uint32_t kind = random.below(20);
        if (kind == 0 && mapper == 4)
            add(Action::mapper_write, cycle, 0x8000 + random.below(0x8000), random.byte());
        else if (kind == 1)
            add(Action::look, cycle, 0, 0);
        else if (kind == 2 && random.once_in(10))
            add(Action::oam_dma, cycle, 0, random.byte());
        else
            add(random.once_in(3) ? Action::read : Action::write, cycle,
                0x2000 + kRegisters[random.below(15)],
                random.once_in(2) ? random.byte() : 0x1E | random.byte());
    }
    std::stable_sort(script.begin(), script.end(),
                     [](const Action& a, const Action& b) { return a.cycle < b.cycle; });
    // The CPU makes one access a cycle.
    Cycle free = 0;
    for (Action& action : script) {
        action.cycle = std::max(action.cycle, free);
        free = action.cycle + (action.kind == Action::oam_dma ? 514 : 1);
    }
    std::erase_if(script, [&](const Action& a) {
        return a.cycle + (a.kind == Action::oam_dma ? 514 : 1) >= length;
    });
    return script;
}

void dress(Bench& bench, const std::vector<uint8_t>& noise, uint32_t style) {
    PpuState& p = bench.s().ppu;
    for (size_t i = 0; i < sizeof p.nametables; ++i)
        p.nametables[i] = noise[i];
    for (size_t i = 0; i < sizeof p.oam; ++i)
        p.oam[i] = noise[3000 + i];
    for (int i = 0; i < 64; ++i) {
        uint8_t& y = p.oam[i * 4];
        p.oam[i * 4 + 2] &= 0xE3;
        if (style % 4 == 0)
            y = static_cast<uint8_t>(i % 7 == 0 ? y : 0xF4);  // few
        else if (style % 4 == 1)
            y = static_cast<uint8_t>(100 + y % 32);  // crowded
        else if (style % 4 == 2)
            y = static_cast<uint8_t>(i / 8 * 30 + (i % 8 == 7 ? y % 16 : 0));  // eight in a row
    }
    for (int i = 0; i < 32; ++i)
        p.palette[i] = noise[4000 + static_cast<size_t>(i & ((i & 3) == 0 ? 0xF : 0x1F))] & 0x3F;
    auto chr = bench.machine.chr_ram();
    for (size_t i = 0; i < chr.size(); ++i)
        chr[i] = noise[i * 7 % noise.size()] & noise[i % 911];
}

std::string difference(const State& a, const State& b) {
    const auto* x = reinterpret_cast<const uint8_t*>(&a);
    const auto* y = reinterpret_cast<const uint8_t*>(&b);
    std::string text;
    for (size_t i = 0; i < sizeof(State) && text.size() < 200; ++i)
        if (x[i] != y[i])
            text += " state[" + std::to_string(i) + "] (ppu+" +
                    std::to_string(static_cast<long>(i) - static_cast<long>(offsetof(State, ppu))) +
                    ") " + std::to_string(x[i]) + "/" + std::to_string(y[i]);
    return text;
}

void fail(uint32_t seed, int frame, const std::string& what) {
    if (++failures <= 10)
        std::printf("ppu_test.cpp: seed %u, frame %d: %s\n", seed, frame, what.c_str());
}

void play(uint32_t seed) {
    Random random{std::mt19937(seed)};
    static constexpr int kMappers[] = {0, 0, 4, 4, 9};
    const int mapper = kMappers[random.below(5)];
    auto cartridge = Cartridge::parse(rom_bytes(mapper, mapper != 9 && random.once_in(3), random));
    Options options;
    options.region = static_cast<Region>(random.once_in(3) ? random.below(3) : 0);
    Bench benches[] = {{cartridge, options, How::lazy, false},
                       {cartridge, options, How::eager, false},
                       {cartridge, options, How::lazy, true},
                       {cartridge, options, How::eager, true}};
    Bench& first = benches[0];
    std::vector<uint8_t> noise(5000);
    for (uint8_t& byte : noise)
        byte = random.byte();
    const uint32_t style = random.below(5);
    for (Bench& bench : benches)
        dress(bench, noise, style);

    for (int frame = 0; frame < 6; ++frame) {
        const Cycle length = first.machine.cycle_at(first.machine.frame_dots());
        const std::vector<Action> script = make_script(random, mapper, length);
        for (const Action& action : script) {
            // Foretell on the lazy machine, see on the eager one.
            if (random.once_in(3)) {
                const Cycle now = action.cycle;
                for (Bench& bench : benches) {
                    bench.reach(now);
                    ppu::catch_up(bench.machine, now);
                }
                const Cycle lasts = ppu::next_status_change(first.machine);
                benches[1].status_lasts = benches[3].status_lasts = lasts;
                benches[1].status = benches[3].status = first.s().ppu.status;
            }
            for (Bench& bench : benches)
                bench.act(action);
            if (random.once_in(4)) {
                const Cycle now = action.cycle + (action.kind == Action::oam_dma ? 511 : 0);
                for (Bench& bench : benches) {
                    ppu::catch_up(bench.machine, now);
                    bench.note_interrupts();
                }
                for (Bench& bench : benches)
                    if (std::memcmp(&bench.s(), &first.s(), sizeof(State)) != 0) {
                        fail(seed, frame,
                             "within the frame, at cycle " + std::to_string(action.cycle) +
                                 difference(first.s(), bench.s()));
                        return;
                    }
                // The interrupts to come, if nothing else does.
                const Cycle nmi = ppu::next_nmi(first.machine);
                const Cycle irq = first.machine.mapper().next_irq
                                      ? first.machine.mapper().next_irq(first.machine)
                                      : kNever;
                Machine& ahead = benches[1].machine;
                std::vector<uint8_t> saved(ahead.block(), ahead.block() + ahead.block_size());
                const Cycle end = std::min(length - 3, now + 3000);
                for (Cycle cycle = now; cycle < end; ++cycle) {
                    ppu::catch_up(ahead, cycle);
                    ++checks;
                    CpuState& cpu = ahead.s().cpu;
                    if (cpu.nmi_at != kNever || cpu.irq_at != kNever)
                        break;
                }
                const CpuState& cpu = ahead.s().cpu;
                const auto wrong = [&](Cycle foretold, Cycle came) {
                    return came != kNever ? came != foretold : foretold < end - 1;
                };
                if (cpu.irq_at == kNever && wrong(nmi, cpu.nmi_at))
                    fail(seed, frame,
                         "NMI foretold for " + std::to_string(nmi) + ", came at " +
                             std::to_string(cpu.nmi_at) + " from " + std::to_string(action.cycle));
                if (cpu.nmi_at == kNever && ahead.mapper().next_irq && wrong(irq, cpu.irq_at))
                    fail(seed, frame,
                         "IRQ foretold for " + std::to_string(irq) + ", came at " +
                             std::to_string(cpu.irq_at) + " from " + std::to_string(action.cycle));
                // Machines load between instructions, where no read follows in the next cycle.
                const auto read = ahead.buffer_read;
                ahead.load(saved);
                ahead.buffer_read = read;
                ahead.status_lasts = 0;
            }
        }
        for (Bench& bench : benches)
            bench.end_frame();
        for (Bench& bench : benches) {
            ++checks;
            if (bench.log != first.log) {
                size_t at = 0;
                while (at < first.log.size() && at < bench.log.size() &&
                       first.log[at] == bench.log[at])
                    ++at;
                at = at > 40 ? at - 40 : 0;
                fail(seed, frame,
                     "logs differ: ..." + first.log.substr(at, 120) + "\n   and ..." +
                         bench.log.substr(at, 120));
                return;
            }
            if (std::memcmp(&bench.s(), &first.s(), sizeof(State)) != 0) {
                fail(seed, frame, "states differ:" + difference(first.s(), bench.s()));
                return;
            }
            if (ppu::check(bench.s()) != nullptr) {
                fail(seed, frame, ppu::check(bench.s()));
                return;
            }
        }
        for (Bench& bench : benches)
            bench.log.clear();
        for (size_t i = 0; i < benches[2].pixels.size(); ++i)
            if (benches[2].pixels[i] != benches[3].pixels[i]) {
                fail(seed, frame,
                     "pictures differ at " + std::to_string(i % 256) + ", " +
                         std::to_string(i / 256));
                return;
            }
    }
}

}  // namespace

int main(int count, char** arguments) {
    const int seeds = count > 1 ? std::atoi(arguments[1]) : 200;
    const int first = count > 2 ? std::atoi(arguments[2]) : 1;
    for (int i = 0; i < seeds; ++i)
        play(static_cast<uint32_t>(first + i));
    std::printf("%d seeds, %ld checks, %d failures\n", seeds, checks, failures);
    return failures != 0;
}
