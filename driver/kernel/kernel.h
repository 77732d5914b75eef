/* kernel.h - what every file of wsksample.sys begins with. */
#pragma once

#include <ntddk.h>

#include "defects.h"
