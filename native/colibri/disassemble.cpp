#include <cstdio>

#include "hooks.h"

namespace colibri {

namespace {

// Three letters an opcode; a star: not documented by the maker.
// https://www.nesdev.org/wiki/CPU_unofficial_opcodes
constexpr char kNames[] =
    "BRK ORA*JAM*SLO*NOP ORA ASL*SLO PHP ORA ASL*ANC*NOP ORA ASL*SLO"
    " BPL ORA*JAM*SLO*NOP ORA ASL*SLO CLC ORA*NOP*SLO*NOP ORA ASL*SLO"
    " JSR AND*JAM*RLA BIT AND ROL*RLA PLP AND ROL*ANC BIT AND ROL*RLA"
    " BMI AND*JAM*RLA*NOP AND ROL*RLA SEC AND*NOP*RLA*NOP AND ROL*RLA"
    " RTI EOR*JAM*SRE*NOP EOR LSR*SRE PHA EOR LSR*ALR JMP EOR LSR*SRE"
    " BVC EOR*JAM*SRE*NOP EOR LSR*SRE CLI EOR*NOP*SRE*NOP EOR LSR*SRE"
    " RTS ADC*JAM*RRA*NOP ADC ROR*RRA PLA ADC ROR*ARR JMP ADC ROR*RRA"
    " BVS ADC*JAM*RRA*NOP ADC ROR*RRA SEI ADC*NOP*RRA*NOP ADC ROR*RRA"
    "*NOP STA*NOP*SAX STY STA STX*SAX DEY*NOP TXA*XAA STY STA STX*SAX"
    " BCC STA*JAM*AHX STY STA STX*SAX TYA STA TXS*TAS*SHY STA*SHX*AHX"
    " LDY LDA LDX*LAX LDY LDA LDX*LAX TAY LDA TAX*LAX LDY LDA LDX*LAX"
    " BCS LDA*JAM*LAX LDY LDA LDX*LAX CLV LDA TSX*LAS LDY LDA LDX*LAX"
    " CPY CMP*NOP*DCP CPY CMP DEC*DCP INY CMP DEX*AXS CPY CMP DEC*DCP"
    " BNE CMP*JAM*DCP*NOP CMP DEC*DCP CLD CMP*NOP*DCP*NOP CMP DEC*DCP"
    " CPX SBC*NOP*ISC CPX SBC INC*ISC INX SBC NOP*SBC CPX SBC INC*ISC"
    " BEQ SBC*JAM*ISC*NOP SBC INC*ISC SED SBC*NOP*ISC*NOP SBC INC*ISC";

enum Mode : char {
    kImplied = '.',
    kAccumulator = 'A',
    kImmediate = '#',
    kZero = 'z',
    kZeroX = 'x',
    kZeroY = 'y',
    kAbsolute = 'a',
    kAbsoluteX = 'X',
    kAbsoluteY = 'Y',
    kIndirect = 'i',
    kPointerX = '(',
    kPointerY = ')',
    kRelative = 'r'
};

Mode mode_of(uint8_t opcode) {
    // By column and row, but for the few that stand apart.
    static constexpr char kEven[] = "#(#(zzzz.#A#aaaa";
    static constexpr char kOdd[] = "r).)xxxx.Y.YXXXX";
    switch (opcode) {
        case 0x20:
            return kAbsolute;
        case 0x6C:
            return kIndirect;
        case 0x00:
        case 0x40:
        case 0x60:
            return kImplied;
        case 0x96:
        case 0x97:
        case 0xB6:
        case 0xB7:
            return kZeroY;
        case 0x9E:
        case 0x9F:
        case 0xBE:
        case 0xBF:
            return kAbsoluteY;
        default:
            break;
    }
    const int column = opcode & 0x0F;
    if (opcode & 0x10)
        return static_cast<Mode>(kOdd[column]);
    if (column == 0x0A && opcode >= 0x80)
        return kImplied;  // TXA, TAX, DEX, NOP
    if (column == 0x02 && opcode < 0x80)
        return kImplied;  // JAM
    return static_cast<Mode>(kEven[column]);
}

}  // namespace

int instruction_size(uint8_t opcode) {
    switch (mode_of(opcode)) {
        case kImplied:
        case kAccumulator:
            return 1;
        case kAbsolute:
        case kAbsoluteX:
        case kAbsoluteY:
        case kIndirect:
            return 3;
        default:
            return 2;
    }
}

std::string disassemble(uint16_t pc, const std::array<uint8_t, 3>& bytes) {
    const uint8_t opcode = bytes[0];
    const char* name = kNames + opcode * 4;
    const bool unofficial = opcode && kNames[opcode * 4 - 1] == '*';
    const unsigned low = bytes[1], word = bytes[1] | bytes[2] << 8;
    char operand[16] = "";
    const auto print = [&](const char* format, unsigned value) {
        std::snprintf(operand, sizeof operand, format, value);
    };
    switch (mode_of(opcode)) {
        case kImplied:
            break;
        case kAccumulator:
            print(" A", 0);
            break;
        case kImmediate:
            print(" #$%02X", low);
            break;
        case kZero:
            print(" $%02X", low);
            break;
        case kZeroX:
            print(" $%02X,X", low);
            break;
        case kZeroY:
            print(" $%02X,Y", low);
            break;
        case kAbsolute:
            print(" $%04X", word);
            break;
        case kAbsoluteX:
            print(" $%04X,X", word);
            break;
        case kAbsoluteY:
            print(" $%04X,Y", word);
            break;
        case kIndirect:
            print(" ($%04X)", word);
            break;
        case kPointerX:
            print(" ($%02X,X)", low);
            break;
        case kPointerY:
            print(" ($%02X),Y", low);
            break;
        case kRelative:
            print(" $%04X", static_cast<uint16_t>(pc + 2 + static_cast<int8_t>(low)));
            break;
    }
    return (unofficial ? "*" : "") + std::string(name, 3) + operand;
}

std::string to_text(const TraceLine& line) {
    const Registers& r = line.registers;
    char bytes[10] = "";
    for (int i = 0; i < line.size; ++i)
        std::snprintf(bytes + 3 * i, 4, "%02X ", line.bytes[i]);
    const std::string text = disassemble(r.pc, line.bytes);
    char out[128];
    std::snprintf(out, sizeof out,
                  "%04X  %-9s%s%-14s A:%02X X:%02X Y:%02X P:%02X SP:%02X PPU:%3d,%3d CYC:%llu",
                  r.pc, bytes, text[0] == '*' ? "" : " ", text.c_str(), r.a, r.x, r.y, r.p | 0x20,
                  r.s, line.line, line.dot, static_cast<unsigned long long>(line.cycle));
    return out;
}

}  // namespace colibri
