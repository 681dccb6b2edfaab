// The mappers that Colibri plays, and the names of those that it does not.

#include <algorithm>
#include <iterator>

#include "mappers/boards.h"

namespace colibri {
namespace {

constexpr const Mapper* kMappers[] = {
    &kNrom,      &kMmc1,         &kUxrom,       &kCnrom,          &kMmc3,      &kAxrom,
    &kMmc2,      &kMmc4,         &kColorDreams, &kCprom,          &kVrc4ac,    &kVrc2a,
    &kVrc4ef,    &kVrc6a,        &kVrc4bd,      &kVrc6b,          &kIremG101,  &kTaito33,
    &kBnromNina, &kGxrom,        &kFme7,        &kBandai70,       &kCamerica,  &kVrc3,
    &kVrc1,      &kNamco3446,    &kHolyDiver,   &kNina03,         &kVrc7,      &kJ87,
    &kNamco3433, &kSunsoft2,     &kSunsoft3r,   &kUn1rom,         &kNamco3425, &kIrem97,
    &kNina06,    &kTxsrom,       &kTqrom,       &kJf11,           &kBandai152, &kNamco3453,
    &kMmc1a,     &kCrazyClimber, &kSunsoft1,    &kCnromProtected, &kNamco108,  &kNamco175,
    &kAction52,  &kQuattro};

struct Name {
    uint16_t number;
    const char* name;
};
// That the core fceumm plays. https://www.nesdev.org/wiki/Mapper
constexpr Name kUnsupported[] = {
    {5, "MMC5"},
    {6, "FFE F4xxx"},
    {8, "FFE F3xxx"},
    {12, "Gouder SL-5020B"},
    {15, "100-in-1 Contra Function 16"},
    {16, "Bandai FCG"},
    {17, "FFE F8xxx"},
    {18, "Jaleco SS 88006"},
    {19, "Namco 163"},
    {28, "Action 53"},
    {29, "RET-CUFROM"},
    {30, "UNROM 512"},
    {31, "INL NSF"},
    {36, "TXC 01-22000-400"},
    {37, "PAL-ZZ"},
    {38, "Bit Corp. Crime Busters"},
    {40, "NTDEC 2722"},
    {41, "Caltron 6-in-1"},
    {42, "FDS conversion Mario Baby"},
    {43, "TONY-I"},
    {44, "Super HiK 7-in-1"},
    {45, "GA23C"},
    {46, "Rumble Station"},
    {47, "NES-QJ"},
    {48, "Taito TC0690"},
    {49, "Super HiK 4-in-1"},
    {50, "FDS conversion N-32"},
    {52, "Mario Party 7-in-1"},
    {64, "Tengen RAMBO-1"},
    {65, "Irem H3001"},
    {67, "Sunsoft-3"},
    {68, "Sunsoft-4"},
    {72, "Jaleco JF-17"},
    {74, "MMC3 with CHR RAM 74"},
    {77, "Irem LROG017"},
    {80, "Taito X1-005"},
    {82, "Taito X1-017"},
    {83, "Cony"},
    {86, "Jaleco JF-13"},
    {90, "J.Y. Company"},
    {91, "J.Y. Company MMC3 clone"},
    {92, "Jaleco JF-19"},
    {96, "Bandai Oeka Kids"},
    {99, "Vs. System"},
    {105, "NES-EVENT"},
    {112, "NTDEC ASDER"},
    {115, "Kasing"},
    {157, "Bandai Datach"},
    {159, "Bandai LZ93D50 with 24C01"},
    {165, "Fire Emblem MMC2 and MMC3"},
    {176, "BMC-FK23C"},
    {189, "TXC MMC3"},
    {192, "Waixing 192"},
    {207, "Taito X1-005 with its own mirroring"},
    {209, "J.Y. Company 209"},
    {211, "J.Y. Company 211"},
    {225, "ColorDreams 52-in-1"},
    {226, "76-in-1"},
    {227, "1200-in-1"},
    {234, "Maxi 15"},
    {245, "Waixing MMC3"},
    {268, "COOLBOY and MINDKIDS"},
    {342, "COOLGIRL"},
};

}  // namespace

const Mapper* find_mapper(uint16_t number) {
    auto found = std::ranges::find(kMappers, number, [](const Mapper* m) { return m->number; });
    return found == std::end(kMappers) ? nullptr : *found;
}

const char* unsupported_mapper_name(uint16_t number) {
    auto found = std::ranges::find(kUnsupported, number, &Name::number);
    return found == std::end(kUnsupported) ? nullptr : found->name;
}

}  // namespace colibri
