#pragma once
#include "machine.h"
namespace colibri { class LoopCache {}; }
