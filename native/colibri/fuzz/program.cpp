// ROMs whose programs do much in little time, and how little of them is run. Random bytes would
// soon meet an opcode that stops the processor.

#include <algorithm>
#include <utility>

#include "target.h"

namespace colibri::fuzz {
namespace {

constexpr size_t kPrgSize = 1024;  // repeated up to a bank of 8 KB: small files are quick to read

// Addresses at which something happens.
uint16_t some_address(Random& random) {
    switch (random.below(8)) {
        case 0:
        case 1:
            return static_cast<uint16_t>(0x2000 + random.below(8));
        case 2:
            return static_cast<uint16_t>(0x4000 + random.below(0x18));
        case 3:
        case 4:
            return static_cast<uint16_t>(0x8000 + random.below(0x8000));
        case 5:
            return static_cast<uint16_t>(0x6000 + random.below(0x2000));
        case 6:
            return static_cast<uint16_t>(random.below(0x800));
        default:
            return static_cast<uint16_t>(random.next());
    }
}

struct Program {
    std::vector<uint8_t> bytes;
    void add(std::initializer_list<int> code) {
        for (int byte : code)
            bytes.push_back(static_cast<uint8_t>(byte));
    }
    void add_address(uint8_t opcode, uint16_t address) {
        add({opcode, address & 0xFF, address >> 8});
    }
};

uint16_t address_of(size_t offset) {
    return static_cast<uint16_t>(0x8000 + offset);
}

// Loops that wait, as games have them.
void add_wait(Program& program, Random& random) {
    const size_t here = program.bytes.size();
    switch (random.below(6)) {
        case 0:
            program.add({0x2C, 0x02, 0x20, 0x10, 0xFB});  // BIT $2002, BPL
            break;
        case 1:
            program.add({0xA5, 0x10, 0xF0, 0xFC});  // LDA $10, BEQ
            break;
        case 2:
            program.add({0xA5, 0x11, 0xC5, 0x11, 0xF0, 0xFC});  // LDA, CMP, BEQ
            break;
        case 3:
            program.add({0x2C, 0x02, 0x20, 0x50, 0xFB});  // sprite 0
            break;
        case 4:
            program.add_address(0x4C, address_of(here));  // JMP to itself
            break;
        default:
            program.add({0xA2, random.byte(), 0xCA, 0xD0, 0xFD});  // LDX, DEX, BNE
    }
}

bool stops_the_processor(uint8_t opcode) {
    return (opcode & 0x1F) == 0x12 || opcode == 0x02 || opcode == 0x22 || opcode == 0x42 ||
           opcode == 0x62;
}

void add_instruction(Program& program, Random& random) {
    static constexpr uint8_t kAbsolute[] = {0x8D, 0x8E, 0x8C, 0xAD, 0xAE, 0xAC, 0x2C, 0xEE,
                                            0xCE, 0x9D, 0x99, 0xBD, 0xB9, 0xFE, 0x0E, 0x8F};
    switch (random.below(16)) {
        case 0:
            program.add({0xA9, random.byte(), 0xA2, random.byte()});  // LDA, LDX
            return;
        case 1:
            program.add({random.one_in(2) ? 0x58 : 0x78});  // CLI, SEI
            return;
        case 2:
            program.add({0x85, random.byte(), 0x86, random.byte()});
            return;
        case 3:
            if (random.one_in(4))
                add_wait(program, random);
            return;
        case 4:
            program.add({0xA9, random.byte()});
            program.add_address(0x8D, static_cast<uint16_t>(0x2000 + random.below(8)));
            return;
        case 5:  // somewhere else in the program
            if (random.one_in(3))
                program.add_address(random.one_in(2) ? 0x4C : 0x20,
                                    address_of(random.below(kPrgSize)));
            return;
        case 6: {  // any instruction
            const uint8_t opcode = random.byte();
            if (!stops_the_processor(opcode) || random.one_in(50))
                program.add({opcode, random.byte(), random.byte()});
            return;
        }
        case 7:
            program.add({0xA9, 0x80 | random.byte(), 0x8D, 0x00, 0x20,  // NMI and rendering on
                         0xA9, 0x18 | random.byte(), 0x8D, 0x01, 0x20});
            return;
        case 8:
            program.add({0xA9, random.byte(), 0x8D, 0x15, 0x40});
            return;
        default:
            program.add_address(kAbsolute[random.below(sizeof kAbsolute)], some_address(random));
    }
}

}  // namespace

const std::vector<uint16_t> kAllMappers = [] {
    std::vector<uint16_t> numbers;
    for (int number = 0; number < 4096; number++)
        if (find_mapper(static_cast<uint16_t>(number)))
            numbers.push_back(static_cast<uint16_t>(number));
    return numbers;
}();

std::vector<uint8_t> make_rom(Random& random) {
    // Every other game has one of the mappers that most games have.
    static constexpr uint16_t kCommon[] = {0, 1, 2, 3, 4, 7};
    return make_rom(random, random.one_in(2)
                                ? kCommon[random.below(6)]
                                : kAllMappers[random.below(uint32_t(kAllMappers.size()))]);
}

std::vector<uint8_t> make_rom(Random& random, uint16_t mapper) {
    Program program;
    while (program.bytes.size() < kPrgSize - 16)
        add_instruction(program, random);
    program.bytes.resize(kPrgSize);
    // NMI and IRQ return, at once or after some of the program; all vectors lie in the last bytes.
    program.bytes[kPrgSize - 8] = 0x40;
    const uint16_t vectors[] = {
        random.one_in(2) ? address_of(kPrgSize - 8) : address_of(random.below(kPrgSize - 16)),
        address_of(0),
        random.one_in(2) ? address_of(kPrgSize - 8) : address_of(random.below(kPrgSize - 16))};
    for (int i = 0; i < 3; i++) {
        program.bytes[kPrgSize - 6 + size_t(i) * 2] = static_cast<uint8_t>(vectors[i]);
        program.bytes[kPrgSize - 5 + size_t(i) * 2] = static_cast<uint8_t>(vectors[i] >> 8);
    }

    const bool has_chr_rom = random.one_in(2);
    std::vector<uint8_t> file = {'N', 'E', 'S', 0x1A, 10 << 2, uint8_t(has_chr_rom ? 10 << 2 : 0)};
    file.push_back(
        static_cast<uint8_t>((mapper & 15) << 4 | random.below(4) | (random.one_in(8) ? 8 : 0)));
    file.push_back(static_cast<uint8_t>((mapper & 0xF0) | 8));
    file.push_back(
        static_cast<uint8_t>((random.one_in(3) ? random.below(8) << 4 : 0) | mapper >> 8));
    file.push_back(has_chr_rom ? 0xFF : 0x0F);
    file.push_back(random.one_in(3) ? 0 : static_cast<uint8_t>(7 + random.below(3)));
    file.push_back(random.one_in(4) ? 9 : 7);
    file.push_back(static_cast<uint8_t>(random.one_in(4) ? random.below(4) : 0));
    file.resize(16);
    file.insert(file.end(), program.bytes.begin(), program.bytes.end());
    if (has_chr_rom)
        for (int i = 0; i < 1024; i++)
            file.push_back(random.byte());
    return file;
}

void run_some(Machine& machine, const Held& held, int instructions) {
    struct Count {
        Hooks hooks;
        int left;
    } count{{}, instructions};
    count.hooks.execute.push_back({0, 0xFFFF,
                                   [](void* context, Machine&, const Access&) {
                                       Count& c = *static_cast<Count*>(context);
                                       if (--c.left <= 0)
                                           c.hooks.stop = true;
                                   },
                                   &count});
    Hooks* before = std::exchange(machine.hooks, &count.hooks);
    machine.run_frame(held);
    machine.hooks = before;
}

void skip_to_last(Machine& machine, Cycle cycles) {
    Cycle& now = machine.s().cpu.cycle;
    now = std::max(now, machine.cycle_at(machine.frame_dots()) - cycles);
}

bool near_end(const Machine& machine) {
    return machine.cycle_at(machine.frame_dots()) - machine.s().cpu.cycle < 2000;
}

}  // namespace colibri::fuzz
